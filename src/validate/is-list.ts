/** Whether a value is an array. A proxy that was revoked is none: what looks at it next says what is wrong with it. */
export function isList(value: unknown): value is readonly unknown[] {
  try {
    return Array.isArray(value);
  } catch {
    return false;
  }
}
