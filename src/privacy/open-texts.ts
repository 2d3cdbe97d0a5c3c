import type { ClosedValue } from "./closed-value.js";
import { SealingKey } from "./sealing-key.js";

/** Opens the values that have a key. Those of one key are opened together. What does not open has no text afterwards. */
export function openTexts(values: readonly ClosedValue[]): void {
  const byKey = new Map<SealingKey, ClosedValue[]>();
  let last: ClosedValue[] = [];
  for (const value of values) {
    const { key } = value;
    if (!(key instanceof SealingKey)) continue;
    if (last[0]?.key !== key) {
      last = byKey.get(key) ?? [];
      if (last.length === 0) byKey.set(key, last);
    }
    last.push(value);
  }
  for (const [key, ofKey] of byKey) key.openTexts(ofKey);
}
