import { isStreamError, StorageError } from "../../../protocols/index.js";
import { MAX_WRAPPED_KEY_BYTES } from "../../../src/limits.js";
import { KEY_BYTES, type KeyWrapping } from "../../../src/privacy/key-store.js";
import { UnusableKeyError } from "../../../src/privacy/key-store-failed.js";
import { invalidArgument } from "../../../src/validate/check-arguments.js";
import { describeValue } from "../../../src/validate/json-text.js";

/** The caller's master key, and what is wrong when it does not do what it should. */
export class MasterKey {
  readonly #wrapping: KeyWrapping;
  readonly #location: string;

  /** @throws InvalidArgumentError */
  constructor(wrapping: KeyWrapping, location: string) {
    if (typeof wrapping?.wrap !== "function" || typeof wrapping.unwrap !== "function") {
      throw invalidArgument("wrapping", `expected { wrap, unwrap }, got ${describeValue(wrapping)}`);
    }
    this.#wrapping = wrapping;
    this.#location = location;
  }

  async wrap(key: Uint8Array): Promise<Uint8Array> {
    const wrapped: unknown = await this.#call("wrap", key);
    const isBytes = wrapped instanceof Uint8Array;
    if (isBytes && wrapped.byteLength > 0 && wrapped.byteLength <= MAX_WRAPPED_KEY_BYTES) return wrapped;
    const got = isBytes ? `${wrapped.byteLength} bytes` : describeValue(wrapped);
    throw invalidArgument("wrap", `expected a function that gives 1 to ${MAX_WRAPPED_KEY_BYTES} bytes, got ${got}`);
  }

  async unwrap(wrapped: Uint8Array): Promise<Uint8Array> {
    const key: unknown = await this.#call("unwrap", wrapped);
    if (key instanceof Uint8Array && key.byteLength === KEY_BYTES) return key;
    const message =
      `Cannot read a key in the key store ${this.#location}: unwrap gave ${describeValue(key)}, which is no key of ` +
      `${KEY_BYTES} bytes. Check that the master key is the one of this file.`;
    throw new StorageError("STORAGE_CORRUPT", message);
  }

  async #call(call: keyof KeyWrapping, bytes: Uint8Array): Promise<unknown> {
    try {
      return await this.#wrapping[call](bytes);
    } catch (cause) {
      if (isStreamError(cause)) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const message =
        `Cannot ${call} a key of the key store ${this.#location}: ${reason}. Check that the master key is the one of this ` +
        "file, and that its service can be reached.";
      // Whether it is the key or its service is not known.
      throw new UnusableKeyError("STORAGE_UNAVAILABLE", message, { cause });
    }
  }
}
