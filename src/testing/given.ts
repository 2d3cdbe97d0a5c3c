import assert, { AssertionError } from "node:assert";
import { type EventShape, isStreamError, type StoredEvent } from "../../protocols/index.js";
import { listOf } from "../commands/decided-events.js";
import { type Fold, type ParsedFold, parseFold } from "../commands/fold.js";
import { evolved } from "../commands/folded-state.js";
import type { Decision } from "../commands/handle.js";
import type { LiteralDecision } from "../commands/literal-decision.js";
import { encodeEvents } from "../write/encode-events.js";
import { frozen, isChangeOfFrozen } from "./frozen.js";
import { type Decided, type Outcome, outcomeOf } from "./outcome.js";
import { type AnyTestEvent, storedContent, storedEvents, TEST_STREAM, type TestEvent } from "./test-event.js";

/** The history of a test. */
export interface Given<S, E extends EventShape> {
  /** Decides on the state. */
  when<const D extends Decision<E> | LiteralDecision<E>>(decide: (state: S) => D | Promise<D>): Outcome<S, E>;
  /** Expects the state. */
  thenState(expected: S): void;
}

/**
 * Tests a fold and its decisions without a store. Failures are `AssertionError`s, so any test runner will do.
 *
 * The events are those of the stream `"test"`, with ids and times that are always the same. They go through JSON, and states are
 * frozen: an event that no store would take, and a fold or a decision that changes its state, fail here. Bytes and private fields
 * cannot be frozen: who changes those is not found.
 *
 * @example
 * ```ts
 * await given(account, opened, deposited(100))
 *   .when((state) => withdraw(state, 30))
 *   .thenEvents(withdrawn(30));
 * ```
 */
export function given<S, E extends EventShape>(fold: Fold<S, E>, ...events: readonly TestEvent<E>[]): Given<S, E> {
  const history = events as readonly AnyTestEvent[];
  return {
    when: (decide) => outcomeOf(() => decideOn(fold, history, decide)),
    thenState(expected) {
      const parsed = parseFold(fold);
      assert.deepStrictEqual(folded(parsed, initialOf(parsed), storedEvents(history, 1)), expected);
    },
  };
}

async function decideOn<S, E extends EventShape>(
  fold: Fold<S, E>,
  history: readonly AnyTestEvent[],
  decide: (state: S) => unknown,
): Promise<Decided<S>> {
  const parsed = parseFold(fold);
  const before = folded(parsed, initialOf(parsed), storedEvents(history, 1));
  let decision: unknown;
  try {
    decision = await decide(before);
  } catch (error) {
    assertUnchanged(error, "The decision");
    return { error };
  }
  const decided = accepted("INVALID_ARGUMENT", () => listOf(decision));
  const events = decided.map((event, index) => storedContent(event as AnyTestEvent, `decided event ${index}`));
  accepted("INVALID_EVENT", () => encodeEvents(TEST_STREAM, decided));
  return { events, state: () => folded(parsed, before, storedEvents(events, history.length + 1)) };
}

/** @throws AssertionError when `handle` or a store would refuse it with this code */
function accepted<T>(code: "INVALID_ARGUMENT" | "INVALID_EVENT", accept: () => T): T {
  try {
    return accept();
  } catch (error) {
    if (!isStreamError(error, code)) throw error;
    throw Object.assign(new AssertionError({ message: error.message, operator: "given" }), { cause: error });
  }
}

function initialOf<S>(fold: ParsedFold<S>): S {
  return frozen(fold.initial());
}

function folded<S>(fold: ParsedFold<S>, initial: S, events: readonly StoredEvent[]): S {
  let state = initial;
  for (const event of events) {
    try {
      state = frozen(evolved(fold, state, event));
    } catch (error) {
      assertUnchanged(error, `The fold "${fold.name}"`);
      throw error;
    }
  }
  return state;
}

/** @throws AssertionError when it is the error of a change of something frozen */
function assertUnchanged(error: unknown, who: string): void {
  if (!isChangeOfFrozen(error)) return;
  const message = `${who} changed a state or an event, which others share. Return a new one. (${error.message})`;
  throw Object.assign(new AssertionError({ message, operator: "given" }), { cause: error });
}
