import type { Cipher } from "node:crypto";
import { BLOCK_BYTES, ghash, HASH_TABLE_WORDS, hashTable, wordAt } from "./ghash.js";

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
export const MAX_OPENED_TOGETHER = 64;

const MAX_BLOCKS = MAX_SEALED_BYTES / BLOCK_BYTES + 1;

// Nothing waits while values are opened, so that one of each is enough.
const SEALED = Buffer.alloc(MAX_OPENED_TOGETHER * MAX_SEALED_BYTES);
const COUNTERS = Buffer.alloc(MAX_OPENED_TOGETHER * MAX_BLOCKS * BLOCK_BYTES);
const AUTHENTICATED = Buffer.alloc(Math.max(3 * MAX_PLACE_LENGTH, MAX_SEALED_BYTES) + 2 * BLOCK_BYTES);
// Their words, where several bytes are copied at once, in whichever order the processor has them.
const SEALED_WORDS = wordsOf(SEALED);
const COUNTER_WORDS = wordsOf(COUNTERS);
const AUTHENTICATED_WORDS = wordsOf(AUTHENTICATED);
/** The first blocks of the counters, by how many they are. */
const COUNTED: Buffer[] = [];
const LENGTHS = new Int32Array(MAX_OPENED_TOGETHER);
const HASH = new Int32Array(4);

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
}

/**
 * Opens short values under one key, at most {@link MAX_OPENED_TOGETHER}. It is AES-256-GCM, put together from its parts: one
 * call of Node's AES for all values, and GHASH. Node's own GCM takes several microseconds to begin, for each value anew, and
 * that is several times what all the rest of reading an event takes.
 *
 * @param first - the index of the first of `values`
 * @param end - the index after the last
 */
export function openShortValues(key: BlockKey, values: readonly TextToOpen[], first: number, end: number): void {
  let blocks = 0;
  for (let index = first; index < end; index += 1) {
    const at = (index - first) * MAX_SEALED_BYTES;
    const length = decode((values[index] as TextToOpen).base64, at) - NONCE_BYTES - TAG_BYTES;
    LENGTHS[index - first] = length;
    if (length >= 0) blocks = countBlocks(at, blocksFor(length), blocks);
  }
  const counters = COUNTED[blocks] ?? COUNTERS.subarray(0, blocks * BLOCK_BYTES);
  COUNTED[blocks] = counters;
  const stream = key.cipher.update(counters);
  let streamAt = 0;
  for (let index = first; index < end; index += 1) {
    const value = values[index] as TextToOpen;
    const length = LENGTHS[index - first] as number;
    value.text = undefined;
    if (length < 0) continue;
    const at = (index - first) * MAX_SEALED_BYTES + NONCE_BYTES;
    hashValue(key, value.place, at, length);
    if (isTag(at + length, stream, streamAt)) value.text = decipher(at, length, stream, streamAt + BLOCK_BYTES);
    streamAt += blocksFor(length) * BLOCK_BYTES;
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
  const count = (length + 3) >> 2;
  for (let word = 0; word < count; word += 1)
    AUTHENTICATED_WORDS[word] = SEALED_WORDS[(sealedAt >> 2) + word] as number;
  const at = fillBlock(length);
  writeBits(words[kept + HASH.length] as number, at);
  writeBits(length, at + BLOCK_BYTES / 2);
  ghash(words, AUTHENTICATED, at + BLOCK_BYTES, HASH);
}

/** Which of the places of a key it is. One that is new is hashed, and takes the room of another. */
function indexOfPlace(key: BlockKey, place: string): number {
  const { places, words } = key;
  for (let index = 0; index < places.length; index += 1) if (places[index] === place) return index;
  const index = key.nextPlace;
  const bytes = AUTHENTICATED.write(place, 0);
  HASH.fill(0);
  ghash(words, AUTHENTICATED, fillBlock(bytes), HASH);
  const kept = HASH_TABLE_WORDS + PLACE_WORDS * index;
  words.set(HASH, kept);
  words[kept + HASH.length] = bytes;
  places[index] = place;
  key.nextPlace = (index + 1) % MAX_PLACES;
  return index;
}

function fillBlock(from: number): number {
  let at = from;
  for (; at % BLOCK_BYTES !== 0; at += 1) AUTHENTICATED[at] = 0;
  return at;
}

/** A number of bytes in bits, as a whole number of 64 bits. */
function writeBits(bytes: number, at: number): void {
  for (let index = 0; index < 5; index += 1) AUTHENTICATED[at + index] = 0;
  AUTHENTICATED[at + 5] = bytes >> 13;
  AUTHENTICATED[at + 6] = bytes >> 5;
  AUTHENTICATED[at + 7] = bytes << 3;
}

/** Compares all bytes, whichever differ, so that the time it takes says nothing. */
function isTag(tagAt: number, stream: Buffer, streamAt: number): boolean {
  let difference = 0;
  for (let word = 0; word < HASH.length; word += 1) {
    difference |= (HASH[word] as number) ^ wordAt(stream, streamAt + 4 * word) ^ wordAt(SEALED, tagAt + 4 * word);
  }
  return difference === 0;
}

function decipher(from: number, length: number, stream: Buffer, streamAt: number): string {
  let bits = 0;
  for (let index = 0; index < length; index += 1) {
    const byte = (SEALED[from + index] as number) ^ (stream[streamAt + index] as number);
    SEALED[from + index] = byte;
    bits |= byte;
  }
  return bits < 128 ? SEALED.toString("latin1", from, from + length) : SEALED.toString("utf8", from, from + length);
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
