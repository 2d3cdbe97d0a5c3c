import { thrownText } from "./thrown-text.js";

/**
 * A thrown value as others may look at it: one that throws at every look, such as a revoked proxy, would fail whoever asks what
 * kind of error it is, so it becomes an error that says what can be said.
 */
export function thrownValue(thrown: unknown): unknown {
  try {
    Reflect.has(Object(thrown), "code");
    // A proxy may let the question for a property through, and not the one for its class.
    if (thrown instanceof Error) return thrown;
  } catch {
    return new Error(thrownText(thrown));
  }
  return thrown;
}
