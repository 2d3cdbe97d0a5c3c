import { StreamError } from "./errors.js";

/** A write has personal data of somebody who is forgotten, which is final. Nothing was written. */
export class SubjectForgottenError extends StreamError {
  override readonly name = "SubjectForgottenError";
  declare readonly code: "SUBJECT_FORGOTTEN";
  /** The stream that was written to. */
  readonly streamId: string;

  /** The library makes it before an adapter gets the event. */
  constructor(streamId: string, message: string, options?: ErrorOptions) {
    super("SUBJECT_FORGOTTEN", message, options);
    this.streamId = streamId;
  }
}
