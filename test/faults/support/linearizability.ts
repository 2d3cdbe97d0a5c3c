/** What a register, a queue or a stream does, one call at a time. */
export interface SequentialModel<State, Input, Output> {
  readonly initial: State;
  /** The state after a call in this state, or undefined where it cannot have had this answer (if it had one). */
  step(state: State, input: Input, output: Output | undefined): State | undefined;
  /** Tells states apart. */
  keyOf(state: State): string;
}

/** One call of a history. */
export interface Call<Input, Output> {
  readonly input: Input;
  /** Undefined when no answer came: the call may have had its effect at any moment since it began, or never. */
  readonly output: Output | undefined;
  readonly startNs: bigint;
  /** When the answer came. Calls without an answer never end. */
  readonly endNs: bigint | undefined;
}

/**
 * Whether there is an order of the calls that explains every answer, and in which no call stands before one that had
 * ended before it began.
 *
 * The search of Wing and Gong ("Testing and Verifying Concurrent Objects", 1993): of the calls that are left, one that
 * began before any other of them ended must have been the next. With the memory of Lowe ("Testing for linearizability",
 * 2017): calls done and state reached, once they have led nowhere, are not tried again.
 */
export function isLinearizable<State, Input, Output>(
  model: SequentialModel<State, Input, Output>,
  history: readonly Call<Input, Output>[],
): boolean {
  const calls = [...history].sort((a, b) => (a.startNs < b.startNs ? -1 : 1));
  const answered = calls.reduce((mask, { output }, index) => (output === undefined ? mask : mask | bit(index)), 0n);
  const deadEnds = new Set<string>();

  function canFinish(done: bigint, state: State): boolean {
    if ((done & answered) === answered) return true;
    const key = `${done.toString(36)} ${model.keyOf(state)}`;
    if (deadEnds.has(key)) return false;
    deadEnds.add(key);
    return nextCalls(calls, done).some((index) => {
      const { input, output } = calls[index] as Call<Input, Output>;
      const after = model.step(state, input, output);
      return after !== undefined && canFinish(done | bit(index), after);
    });
  }

  return canFinish(0n, model.initial);
}

/** Those calls of the ones that are left which began before the first of them ended. */
function nextCalls(calls: readonly Call<unknown, unknown>[], done: bigint): number[] {
  const found: number[] = [];
  let firstEndNs: bigint | undefined;
  for (let index = 0; index < calls.length; index += 1) {
    if ((done & bit(index)) !== 0n) continue;
    const { startNs, endNs } = calls[index] as Call<unknown, unknown>;
    if (firstEndNs !== undefined && startNs > firstEndNs) break;
    found.push(index);
    if (endNs !== undefined && (firstEndNs === undefined || endNs < firstEndNs)) firstEndNs = endNs;
  }
  return found;
}

function bit(index: number): bigint {
  return 1n << BigInt(index);
}
