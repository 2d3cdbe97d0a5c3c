import { StreamError } from "./errors.js";

/** A blob was replaced or deleted while its bytes were read, and the rest of them is gone. Get it again. */
export class BlobReplacedError extends StreamError {
  override readonly name = "BlobReplacedError";
  declare readonly code: "BLOB_REPLACED";
  /** The key of the blob. */
  readonly key: string;

  /** Blob stores throw it while a blob is iterated. */
  constructor(key: string, message: string, options?: ErrorOptions) {
    super("BLOB_REPLACED", message, options);
    this.key = key;
  }
}
