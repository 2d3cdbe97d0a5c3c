import type { ClosedValue } from "./closed-value.js";
import { SealingKey } from "./sealing-key.js";

/** Opens the values that have a key. Those of one key are opened together. What does not open has no text afterwards. */
export function openTexts(values: readonly ClosedValue[]): void {
  const firstByKey = new Map<SealingKey, ClosedValue>();
  let before: ClosedValue | undefined;
  for (const value of values) {
    const { key } = value;
    if (!(key instanceof SealingKey)) continue;
    if (before?.key !== key) before = firstByKey.get(key);
    if (before === undefined) {
      firstByKey.set(key, value);
    } else {
      value.next = before.next;
      before.next = value;
    }
    before = value;
  }
  for (const [key, first] of firstByKey) key.openTexts(first);
}
