import { setTimeout as sleep } from "node:timers/promises";
import { makeEvent } from "../bench-event.js";
import type { CommandingStore, Subject } from "../subject.js";
import type { WorkloadContext } from "../workload.js";
import { LIBRARY_SUBJECTS } from "./library-subjects.js";

/** Those that load a state, decide on it and write. */
export const COMMANDING_SUBJECTS: readonly string[] = [...LIBRARY_SUBJECTS, "emmett-sqlite"];

/** A caller that waits so much longer than the limit is not waited for. */
const STUCK_MS = 1_000;

export async function openCommanding({ subject, durability }: WorkloadContext, path: string): Promise<CommandingStore> {
  return (subject.openCommanding ?? refuse(subject))(path, durability);
}

function refuse({ name }: Subject): never {
  throw new Error(`${name} has no commands`);
}

/** Commands of each caller one after the other, for no longer than a limit. What fails is counted and tried again. */
export async function commandSideBySide(
  store: CommandingStore,
  options: {
    readonly callers: number;
    readonly each: number;
    readonly limitMs: number;
    accountOf(caller: number): string;
  },
): Promise<{ readonly rate: number; readonly count: number; readonly errors: number }> {
  const { callers, each, limitMs, accountOf } = options;
  const beganMs = performance.now();
  let count = 0;
  let errors = 0;
  const call = async (_: unknown, caller: number): Promise<void> => {
    for (let number = 0; number < each && performance.now() - beganMs < limitMs; ) {
      try {
        await store.command(accountOf(caller), makeEvent);
      } catch {
        errors += 1;
        await sleep(1);
        continue;
      }
      number += 1;
      count += 1;
    }
  };
  const calls = Promise.all(Array.from({ length: callers }, call));
  await Promise.race([calls, sleep(limitMs + STUCK_MS, undefined, { ref: false })]);
  return { rate: (count / (performance.now() - beganMs)) * 1_000, count, errors };
}
