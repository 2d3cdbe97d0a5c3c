import { StreamError } from "./errors.js";

/** Something did not happen in the time that was given. It may happen later. */
export class TimeoutError extends StreamError {
  override readonly name = "TimeoutError";
  declare readonly code: "TIMEOUT";

  /** `whenProcessed` makes it. */
  constructor(message: string, options?: ErrorOptions) {
    super("TIMEOUT", message, options);
  }
}
