import { setTimeout as sleep } from "node:timers/promises";
import { makeEvent } from "../bench-event.js";
import type { Subject, TransactingStore } from "../subject.js";
import type { WorkloadContext } from "../workload.js";
import { FLOOR_AND_LIBRARY } from "./library-subjects.js";

/** Those that can change a table of the application in the transaction of an append. */
export const TRANSACTING_SUBJECTS: readonly string[] = [...FLOOR_AND_LIBRARY, "emmett-sqlite"];

/** A caller that waits so much longer than the limit is not waited for. */
const STUCK_MS = 1_000;

export async function openTransacting({ subject, durability }: WorkloadContext, path: string) {
  return (subject.openTransacting ?? refuse(subject))(path, durability);
}

function refuse({ name }: Subject): never {
  throw new Error(`${name} has no transactions`);
}

/**
 * Transactions of each caller one after the other, for no longer than a limit. What fails is counted and tried again.
 */
export async function transactSideBySide(
  store: TransactingStore,
  { callers, each, limitMs }: { readonly callers: number; readonly each: number; readonly limitMs: number },
): Promise<{ readonly rate: number; readonly errors: number }> {
  const beganMs = performance.now();
  let count = 0;
  let errors = 0;
  const call = async (_: unknown, caller: number): Promise<void> => {
    for (let number = 0; number < each && performance.now() - beganMs < limitMs; ) {
      try {
        await store.transact(`account-${caller}`, makeEvent(number));
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
  return { rate: (count / (performance.now() - beganMs)) * 1_000, errors };
}
