import { promisify } from "node:util";
import { isUint8Array } from "node:util/types";
import { gunzip, gzip, inflateRaw } from "node:zlib";
import { type EncodedState, StorageError } from "../../protocols/index.js";
import { MAX_SNAPSHOT_BYTES } from "../limits.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { JsonLossError, shownPath, toJsonText } from "../validate/json-text.js";

const compress = promisify(gzip);

/** How states are decompressed, by the name of their compression. Earlier versions of the library wrote `deflate`. */
const DECOMPRESSORS = new Map([
  ["gzip", promisify(gunzip)],
  ["deflate", promisify(inflateRaw)],
]);

/** Below this size compressing costs more than it saves. */
const MIN_COMPRESSED_BYTES = 512;

/** The best compression ratio of deflate: a byte decompresses to at most this many. */
const MAX_COMPRESSION_FACTOR = 1_032;

/** What the codec of a sealed state begins with. To a store that does not open it, it is a codec that is not known yet. */
export const SEALED_CODEC = "sealed+";

/**
 * Turns a snapshot's state into bytes, a copy of its own.
 *
 * @throws InvalidArgumentError when the state cannot be stored without loss.
 */
export function encodeState(state: unknown): EncodedState {
  const encoded = plainState(state);
  const { byteLength } = encoded.bytes;
  if (byteLength > MAX_SNAPSHOT_BYTES) {
    throw invalidArgument("state", `${byteLength} bytes are more than ${MAX_SNAPSHOT_BYTES}`);
  }
  return encoded;
}

/**
 * Compresses a state when that makes it smaller, on the thread pool. The codec's name says what was done, so that a
 * state which happens to look compressed comes back as it was. The bytes are a gzip file, which other programs read too.
 */
export async function compressState({ codec, bytes }: EncodedState): Promise<EncodedState> {
  if (bytes.byteLength < MIN_COMPRESSED_BYTES) return { codec, bytes };
  const compressed = await compress(bytes);
  return compressed.byteLength < bytes.byteLength ? { codec: `${codec}+gzip`, bytes: compressed } : { codec, bytes };
}

/** How many bytes a state takes at most once it is decoded, and where it is compressed, until then. */
export function decodedStateBytes({ codec, bytes }: EncodedState): number {
  const isCompressed = codec.includes("+");
  return isCompressed ? Math.min(bytes.byteLength * MAX_COMPRESSION_FACTOR, MAX_SNAPSHOT_BYTES) : bytes.byteLength;
}

/**
 * @param what - the snapshot, for messages
 * @throws StorageError when the state was written with a codec that this version does not know, or is damaged.
 */
export async function decodeState({ codec, bytes }: EncodedState, what = "the snapshot"): Promise<unknown> {
  const [format, compression] = codec.split("+");
  const decompress = compression === undefined ? undefined : DECOMPRESSORS.get(compression);
  const isKnown = compression === undefined || decompress !== undefined;
  if ((format !== "json" && format !== "bytes") || !isKnown) {
    const reason = codec.startsWith(SEALED_CODEC)
      ? "it is sealed with a person's key. Load it from the store that protectPersonalData returns, with the same key store."
      : `its codec "${codec}" is unknown; a newer version of the library wrote it. Update the library.`;
    const message = `Cannot load ${what}: ${reason}`;
    throw new StorageError("STORAGE_NEWER_SCHEMA", message);
  }
  try {
    const plain = decompress === undefined ? bytes : await decompress(bytes, { maxOutputLength: MAX_SNAPSHOT_BYTES });
    return format === "json" ? JSON.parse(Buffer.from(plain).toString()) : new Uint8Array(plain);
  } catch (cause) {
    const message = `Cannot load ${what}: its bytes are damaged. Rebuild the state from the stream's events.`;
    throw new StorageError("STORAGE_CORRUPT", message, { cause });
  }
}

/** Why a state cannot be decoded; null: it can, or it is sealed, and only those who have its key see what it is. */
export async function stateProblem(state: EncodedState): Promise<string | null> {
  if (state.codec.startsWith(SEALED_CODEC)) return null;
  try {
    await decodeState(state);
    return null;
  } catch (error) {
    return String(error);
  }
}

function plainState(state: unknown): EncodedState {
  try {
    if (isUint8Array(state)) return { codec: "bytes", bytes: new Uint8Array(state) };
    return { codec: "json", bytes: Buffer.from(toJsonText(state, "state")) };
  } catch (error) {
    if (error instanceof JsonLossError) throw invalidArgument("state", `${shownPath(error.path)}: ${error.message}`);
    // A getter or a proxy of the caller's.
    throw invalidArgument("state", "reading it failed", error);
  }
}
