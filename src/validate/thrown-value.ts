import { isStreamError } from "../../protocols/index.js";
import { thrownText } from "./thrown-text.js";

/**
 * A thrown value as others may look at it: one that throws at every look, such as a revoked proxy, would fail whoever asks what
 * kind of error it is, so it becomes an error that says what can be said.
 */
export function thrownValue(thrown: unknown): unknown {
  try {
    isStreamError(thrown);
    // A proxy may let the brand through, and not the question for its class.
    if (thrown instanceof Error) return thrown;
  } catch {
    return new Error(thrownText(thrown));
  }
  return thrown;
}
