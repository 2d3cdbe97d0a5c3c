import { promisify } from "node:util";
import { isUint8Array } from "node:util/types";
import { deflateRaw, inflateRaw } from "node:zlib";
import { type EncodedState, StorageError } from "../../protocols/index.js";
import { MAX_SNAPSHOT_BYTES } from "../limits.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { JsonLossError, toJsonText } from "../validate/json-text.js";

const compress = promisify(deflateRaw);
const decompress = promisify(inflateRaw);

/** Below this size compressing costs more than it saves. */
const MIN_COMPRESSED_BYTES = 512;

/**
 * Turns a snapshot's state into bytes, compressed when that makes them smaller. The codec's name says what was done, so
 * that a state which happens to look compressed comes back as it was.
 *
 * The state is copied before the first wait. Compression runs on the thread pool.
 *
 * @throws InvalidArgumentError when the state cannot be stored without loss.
 */
export async function encodeState(state: unknown): Promise<EncodedState> {
  const { codec, plain } = plainState(state);
  if (plain.byteLength > MAX_SNAPSHOT_BYTES) {
    throw invalidArgument("state", `${plain.byteLength} bytes are more than ${MAX_SNAPSHOT_BYTES}`);
  }
  if (plain.byteLength < MIN_COMPRESSED_BYTES) return { codec, bytes: plain };
  const compressed = await compress(plain);
  return compressed.byteLength < plain.byteLength
    ? { codec: `${codec}+deflate`, bytes: compressed }
    : { codec, bytes: plain };
}

/** @throws StorageError when the state was written with a codec that this version does not know, or is damaged. */
export async function decodeState({ codec, bytes }: EncodedState): Promise<unknown> {
  const [format, compression] = codec.split("+");
  if ((format !== "json" && format !== "bytes") || (compression !== undefined && compression !== "deflate")) {
    const message = `Cannot load the snapshot: its codec "${codec}" is unknown; a newer version of the library wrote it.`;
    throw new StorageError("STORAGE_NEWER_SCHEMA", message);
  }
  try {
    const plain = compression === undefined ? bytes : await decompress(bytes, { maxOutputLength: MAX_SNAPSHOT_BYTES });
    return format === "json" ? JSON.parse(Buffer.from(plain).toString()) : new Uint8Array(plain);
  } catch (cause) {
    const message = "Cannot load the snapshot: its bytes are damaged. Rebuild the state from the stream's events.";
    throw new StorageError("STORAGE_CORRUPT", message, { cause });
  }
}

function plainState(state: unknown): { readonly codec: string; readonly plain: Uint8Array } {
  try {
    if (isUint8Array(state)) return { codec: "bytes", plain: new Uint8Array(state) };
    return { codec: "json", plain: Buffer.from(toJsonText(state, "state")) };
  } catch (error) {
    if (error instanceof JsonLossError) throw invalidArgument("state", `${error.path}: ${error.message}`);
    // A getter or a proxy of the caller's.
    throw invalidArgument("state", "reading it failed", error);
  }
}
