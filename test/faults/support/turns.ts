import { setImmediate as nextTurn } from "node:timers/promises";

/** Lets a number of turns of the event loop go by: how fault tests delay something without a clock. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await nextTurn();
}
