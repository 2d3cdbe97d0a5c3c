import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { checkName, invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { KEY_BYTES, type KeyStore } from "./key-store.js";
import { keyStoreFailed, unusableKey } from "./key-store-failed.js";

/** What the names begin with under which the library keeps keys of its own. */
const RESERVED = "@personal-data/";
/** The key that the names of persons are made with. It names nobody, so that it is never destroyed. */
const NAMING_KEY = `${RESERVED}names`;
const NAME_BYTES = 16;

/**
 * The names of persons in events: keyed hashes of their ids, which say nothing without the key store. They stay when a
 * person is forgotten.
 */
export class SubjectNames {
  readonly #keys: KeyStore;
  #key: KeyObject | undefined;
  #lookup: Promise<KeyObject> | undefined;

  constructor(keys: KeyStore) {
    this.#keys = keys;
  }

  /** Whether names can be made at once. */
  get isReady(): boolean {
    return this.#key !== undefined;
  }

  /** @throws StorageError when the key store fails */
  async prepare(): Promise<void> {
    if (this.#key !== undefined) return;
    this.#lookup ??= this.#lookUp();
    try {
      this.#key = await this.#lookup;
    } finally {
      this.#lookup = undefined;
    }
  }

  async #lookUp(): Promise<KeyObject> {
    let key: Uint8Array | null | "forgotten";
    try {
      key = await this.#keys.get(NAMING_KEY, true);
      if (key instanceof Uint8Array && key.byteLength === KEY_BYTES) return createSecretKey(key);
    } catch (error) {
      throw keyStoreFailed("read the key of the names of persons", error);
    }
    const reason = key === "forgotten" ? "it was destroyed" : `it gave something that is no key of ${KEY_BYTES} bytes`;
    throw unusableKey("read the key of the names of persons", reason);
  }

  /** The name of a person. Comes after {@link SubjectNames.prepare}. */
  nameOf(subject: string): string {
    const hash = createHmac("sha256", this.#key as KeyObject)
      .update(subject)
      .digest();
    return hash.toString("base64url", 0, NAME_BYTES);
  }
}

/**
 * The person as the key store knows them. Where an event has the person's id sealed as well, its readers know only the name,
 * and so the key is another one.
 */
export function keySubject({ isHidden }: { readonly isHidden: boolean }, subject: string, name: string): string {
  return isHidden ? hiddenSubject(name) : subject;
}

/** A person whose id is sealed, as the key store knows them. */
export function hiddenSubject(name: string): string {
  return RESERVED + name;
}

/** @throws InvalidArgumentError when it can be nobody's id */
export function checkSubject(subject: unknown): asserts subject is string {
  checkName("subject", subject);
  if (!subject.startsWith(RESERVED)) return;
  throw invalidArgument("subject", `ids that begin with "${RESERVED}" are reserved; got ${describeValue(subject)}`);
}
