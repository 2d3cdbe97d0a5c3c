import type { ClosedValue } from "./closed-value.js";
import { SealingKey } from "./sealing-key.js";

/** How many calls there were. By its number a key tells what waits for this call from what an earlier one left that failed. */
let calls = 0;

/** Opens the values that have a key. Those of one key are opened together. What does not open has no text afterwards. */
export function openTexts(values: readonly ClosedValue[]): void {
  calls += 1;
  const firstByKey: ClosedValue[] = [];
  for (const value of values) {
    if (value.key instanceof SealingKey && value.key.enqueue(value, calls)) firstByKey.push(value);
  }
  for (const first of firstByKey) (first.key as SealingKey).openTexts(first);
}
