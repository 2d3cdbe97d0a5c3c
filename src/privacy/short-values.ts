import type { Cipher } from "node:crypto";
import { BLOCK_BYTES, ghash, HASH_TABLE_WORDS, hashTable, multiplyHash, wordAt } from "./ghash.js";

export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;

/** What of a key opens short values: as little as can be, so that many keys fit into the caches of a processor. */
export interface BlockKey {
  /** AES of single blocks (ECB): it makes the blocks that GCM xors with. */
  readonly cipher: Cipher;
  /** The table of GHASH, and behind it what GHASH makes of the places, which are authenticated before the contents. */
  readonly words: Int32Array;
  /** The last places: those of one person are mostly in one stream. */
  readonly places: string[];
  /** Where the next place goes. */
  nextPlace: number;
}

/** How many places each key keeps: an event mostly has no more personal fields. */
const MAX_PLACES = 4;

/** What is kept of a place: the four words of its hash, and how many bytes it has. */
const PLACE_WORDS = 5;

/** @param hashKey - a block of zeros, encrypted with the key */
export function makeBlockKey(cipher: Cipher, hashKey: Buffer): BlockKey {
  const words = new Int32Array(HASH_TABLE_WORDS + MAX_PLACES * PLACE_WORDS);
  words.set(hashTable(hashKey));
  return { cipher, words, places: [], nextPlace: 0 };
}

/** The longest value that is short, with its nonce and its tag: beyond it the time that Node takes to begin is little. */
const MAX_SEALED_BYTES = 512;
/** The longest place of a short value, in UTF-16 units. */
const MAX_PLACE_LENGTH = 1_024;
/** How many values are opened together. */
const MAX_OPENED_TOGETHER = 64;

/** The longest text that several are taken out of: the whole of it stays in memory as long as any of them. */
const MAX_JOINED_BYTES = 256;

const MAX_BLOCKS = MAX_SEALED_BYTES / BLOCK_BYTES + 1;

// Nothing waits while values are opened, so that one of each is enough.
const SEALED = Buffer.alloc(MAX_OPENED_TOGETHER * MAX_SEALED_BYTES);
const COUNTERS = Buffer.alloc(MAX_OPENED_TOGETHER * MAX_BLOCKS * BLOCK_BYTES);
const PLACE = Buffer.alloc(3 * MAX_PLACE_LENGTH + BLOCK_BYTES);
// Their words, where several bytes are copied at once, in whichever order the processor has them.
const SEALED_WORDS = wordsOf(SEALED);
const COUNTER_WORDS = wordsOf(COUNTERS);
/** The first blocks of the counters, by how many they are. */
const COUNTED: Buffer[] = [];
const LENGTHS = new Int32Array(MAX_OPENED_TOGETHER);
const HASH = new Int32Array(4);
const TAG = new Int32Array(4);

function wordsOf({ buffer, byteOffset, byteLength }: Buffer): Int32Array {
  return new Int32Array(buffer, byteOffset, byteLength / 4);
}

/** Whether a value is opened here. */
export function isShort({ place, base64 }: TextToOpen): boolean {
  return base64.length * 3 <= MAX_SEALED_BYTES * 4 && place.length <= MAX_PLACE_LENGTH;
}

/** Something that was sealed at a place: nonce, ciphertext and tag, in base64. */
export interface TextToOpen {
  readonly place: string;
  readonly base64: string;
  /** Undefined once it was opened: it was not sealed at that place under that key. */
  text: string | undefined;
  /** Another one, which is opened with it. */
  next: TextToOpen | undefined;
}

/**
 * Opens short values under one key, a value and those after it, up to {@link MAX_OPENED_TOGETHER}. It is AES-256-GCM, put
 * together from its parts: one call of Node's AES for all values, and GHASH. Node's own GCM takes several microseconds to begin,
 * for each value anew, and that is several times what all the rest of reading an event takes.
 *
 * @returns the first one that is left
 */
export function openShortValues(key: BlockKey, first: TextToOpen): TextToOpen | undefined {
  let blocks = 0;
  let end: TextToOpen | undefined = first;
  for (let index = 0; end !== undefined && index < MAX_OPENED_TOGETHER; index += 1) {
    const at = index * MAX_SEALED_BYTES;
    const length = decode(end.base64, at) - NONCE_BYTES - TAG_BYTES;
    LENGTHS[index] = length;
    if (length >= 0) blocks = countBlocks(at, blocksFor(length), blocks);
    end = end.next;
  }
  const counters = COUNTED[blocks] ?? COUNTERS.subarray(0, blocks * BLOCK_BYTES);
  COUNTED[blocks] = counters;
  const stream = key.cipher.update(counters);
  let streamAt = 0;
  let textEnd = 0;
  let value: TextToOpen | undefined = first;
  for (let index = 0; value !== undefined && value !== end; index += 1, value = value.next) {
    const length = LENGTHS[index] as number;
    value.text = undefined;
    LENGTHS[index] = -1;
    if (length < 0) continue;
    const at = index * MAX_SEALED_BYTES + NONCE_BYTES;
    // The last block is filled up over it.
    keepTag(at + length);
    hashValue(key, value.place, at, length);
    if (isTag(stream, streamAt)) {
      // It is no longer than what is sealed, so that it comes before what is not open yet.
      const isAscii = decipher(at, length, stream, streamAt + BLOCK_BYTES, textEnd);
      if (isAscii && textEnd + length <= MAX_JOINED_BYTES) {
        LENGTHS[index] = length;
        textEnd += length;
      } else value.text = SEALED.toString(isAscii ? "latin1" : "utf8", textEnd, textEnd + length);
    }
    streamAt += blocksFor(length) * BLOCK_BYTES;
  }
  takeJoined(first, end, SEALED.toString("latin1", 0, textEnd));
  return end;
}

/** Gives values their texts out of one, because Node takes longer to make a text than to open a value. */
function takeJoined(first: TextToOpen, end: TextToOpen | undefined, texts: string): void {
  let from = 0;
  let value: TextToOpen | undefined = first;
  for (let index = 0; value !== undefined && value !== end; index += 1, value = value.next) {
    const length = LENGTHS[index] as number;
    if (length < 0) continue;
    value.text = texts.slice(from, from + length);
    from += length;
  }
}

/** One block hides the tag, and the others the content. */
function blocksFor(length: number): number {
  return 1 + ((length + BLOCK_BYTES - 1) >> 4);
}

/** The nonce of a value with a counter from 1, once for each block. @returns how many there are now */
function countBlocks(nonceAt: number, count: number, first: number): number {
  for (let block = 0; block < count; block += 1) {
    const at = (first + block) * BLOCK_BYTES;
    const word = at >> 2;
    COUNTER_WORDS[word] = SEALED_WORDS[nonceAt >> 2] as number;
    COUNTER_WORDS[word + 1] = SEALED_WORDS[(nonceAt >> 2) + 1] as number;
    COUNTER_WORDS[word + 2] = SEALED_WORDS[(nonceAt >> 2) + 2] as number;
    COUNTER_WORDS[word + 3] = 0;
    COUNTERS[at + 15] = block + 1;
  }
  return first + count;
}

/** Hashes what the tag is of: place and ciphertext, each filled up with zeros to whole blocks, and their lengths. */
function hashValue(key: BlockKey, place: string, sealedAt: number, length: number): void {
  const { words } = key;
  const kept = HASH_TABLE_WORDS + PLACE_WORDS * indexOfPlace(key, place);
  for (let word = 0; word < HASH.length; word += 1) HASH[word] = words[kept + word] as number;
  const filled = fillBlock(SEALED, sealedAt, length);
  ghash(words, SEALED, sealedAt, filled, HASH);
  // Neither length in bits takes more than its lower word.
  HASH[1] = (HASH[1] as number) ^ ((words[kept + HASH.length] as number) << 3);
  HASH[3] = (HASH[3] as number) ^ (length << 3);
  multiplyHash(words, HASH);
}

/** Which of the places of a key it is. One that is new is hashed, and takes the room of another. */
function indexOfPlace(key: BlockKey, place: string): number {
  const { places, words } = key;
  for (let index = 0; index < places.length; index += 1) if (places[index] === place) return index;
  const index = key.nextPlace;
  const bytes = PLACE.write(place, 0);
  HASH.fill(0);
  ghash(words, PLACE, 0, fillBlock(PLACE, 0, bytes), HASH);
  const kept = HASH_TABLE_WORDS + PLACE_WORDS * index;
  words.set(HASH, kept);
  words[kept + HASH.length] = bytes;
  places[index] = place;
  key.nextPlace = (index + 1) % MAX_PLACES;
  return index;
}

/** Fills the last block up with zeros. @returns how many bytes the blocks have */
function fillBlock(bytes: Buffer, from: number, length: number): number {
  let filled = length;
  for (; filled % BLOCK_BYTES !== 0; filled += 1) bytes[from + filled] = 0;
  return filled;
}

function keepTag(tagAt: number): void {
  for (let word = 0; word < TAG.length; word += 1) TAG[word] = wordAt(SEALED, tagAt + 4 * word);
}

/** Compares all bytes, whichever differ, so that the time it takes says nothing. */
function isTag(stream: Buffer, streamAt: number): boolean {
  let difference = 0;
  for (let word = 0; word < HASH.length; word += 1) {
    difference |= (HASH[word] as number) ^ wordAt(stream, streamAt + 4 * word) ^ (TAG[word] as number);
  }
  return difference === 0;
}

/** @returns whether it has ASCII characters only */
function decipher(from: number, length: number, stream: Buffer, streamAt: number, into: number): boolean {
  let bits = 0;
  for (let index = 0; index < length; index += 1) {
    const byte = (SEALED[from + index] as number) ^ (stream[streamAt + index] as number);
    SEALED[into + index] = byte;
    bits |= byte;
  }
  return bits < 128;
}

/** The values of the characters of base64. */
const SEXTETS = new Uint8Array(128);
for (const [value, character] of [
  ...Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"),
].entries()) {
  SEXTETS[character] = value;
}
const PADDING = 61;

/** Decodes base64, where a call of Node's takes longer. What is no base64 becomes bytes that do not open. @returns how many bytes */
function decode(base64: string, into: number): number {
  let at = into;
  for (let index = 0; index + 3 < base64.length; index += 4) {
    const bits =
      ((SEXTETS[base64.charCodeAt(index)] as number) << 18) |
      ((SEXTETS[base64.charCodeAt(index + 1)] as number) << 12) |
      ((SEXTETS[base64.charCodeAt(index + 2)] as number) << 6) |
      (SEXTETS[base64.charCodeAt(index + 3)] as number);
    SEALED[at] = bits >> 16;
    SEALED[at + 1] = bits >> 8;
    SEALED[at + 2] = bits;
    at += 3;
  }
  const end = base64.length;
  if (base64.charCodeAt(end - 1) === PADDING) at -= base64.charCodeAt(end - 2) === PADDING ? 2 : 1;
  return at - into;
}
