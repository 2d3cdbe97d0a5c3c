import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from "node:crypto";
import { BLOCK_BYTES } from "./ghash.js";
import {
  type BlockKey,
  isShort,
  makeBlockKey,
  NONCE_BYTES,
  openShortValues,
  TAG_BYTES,
  type TextToOpen,
} from "./short-values.js";

const ALGORITHM = "aes-256-gcm";
const OPTIONS = { authTagLength: TAG_BYTES };

/** Separates the key of nonces from that of contents. */
const NONCE_KEY_LABEL = "async-streams: nonces";

/** How many values a key opens before it gets a cipher and a table for that: most keys are used once or twice. */
const MIN_VALUES_FOR_TABLE = 4;

/**
 * Seals with AES-256-GCM under the key of one person. What is sealed has the nonce, the ciphertext and the tag, in this
 * order.
 */
export class SealingKey {
  readonly #key: KeyObject;
  #nonceKey: KeyObject | undefined;
  #blockKey: BlockKey | undefined;
  #openedTexts = 0;
  /** The last text that waits to be opened, and the call that it waits for. */
  #last: TextToOpen | undefined;
  #lastCall = 0;

  constructor(key: Uint8Array) {
    this.#key = createSecretKey(key);
  }

  /**
   * @param place - what is authenticated with it: it opens at this place only
   * @param nonce - never the same for two contents, or for two places
   */
  seal(place: string, content: Uint8Array, nonce: Uint8Array): Buffer {
    const cipher = createCipheriv(ALGORITHM, this.#key, nonce, OPTIONS);
    cipher.setAAD(Buffer.from(place));
    return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
  }

  /** The content. Undefined: this was not sealed at this place under this key. */
  open(place: string, sealed: Uint8Array): Buffer | undefined {
    if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(ALGORITHM, this.#key, sealed.subarray(0, NONCE_BYTES), OPTIONS);
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const content = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return content;
  }

  /**
   * Puts a text behind those that wait to be opened in one call, which a list for each key in a map would do at three times
   * the cost.
   *
   * @returns whether it is the first
   */
  enqueue(text: TextToOpen, call: number): boolean {
    const before = this.#lastCall === call ? this.#last : undefined;
    this.#last = text;
    this.#lastCall = call;
    if (before !== undefined) before.next = text;
    return before === undefined;
  }

  /** As {@link open}, for a text and those after it at once. */
  openTexts(first: TextToOpen): void {
    // Otherwise its event would stay in memory as long as the key.
    this.#last = undefined;
    let areShort = true;
    for (let value: TextToOpen | undefined = first; value !== undefined; value = value.next) {
      this.#openedTexts += 1;
      areShort &&= isShort(value);
    }
    let value: TextToOpen | undefined = first;
    if (this.#openedTexts < MIN_VALUES_FOR_TABLE || !areShort) {
      for (; value !== undefined; value = value.next) {
        value.text = this.open(value.place, Buffer.from(value.base64, "base64"))?.toString();
      }
      return;
    }
    this.#blockKey ??= this.#makeBlockKey();
    while (value !== undefined) value = openShortValues(this.#blockKey, value);
  }

  /** A nonce that is a function of what is sealed with it, and of this key: the same parts give the same one. */
  nonceOf(parts: readonly string[]): Uint8Array {
    this.#nonceKey ??= createSecretKey(createHmac("sha256", this.#key).update(NONCE_KEY_LABEL).digest());
    return createHmac("sha256", this.#nonceKey).update(joinParts(parts)).digest().subarray(0, NONCE_BYTES);
  }

  #makeBlockKey(): BlockKey {
    const cipher = createCipheriv("aes-256-ecb", this.#key, null).setAutoPadding(false);
    return makeBlockKey(cipher, cipher.update(Buffer.alloc(BLOCK_BYTES)));
  }
}

/** Texts as one text, from which they could be told apart again. */
export function joinParts(parts: readonly string[]): string {
  return parts.map((part) => `${part.length}:${part}`).join("");
}
