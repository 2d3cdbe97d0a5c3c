import { crc32 } from "node:zlib";
import type { EncodedState, Snapshot } from "../../protocols/index.js";

/**
 * The checksum that is stored with a snapshot: CRC-32 as zlib has it, as a signed number. It finds damage; it does not keep
 * out a forger.
 *
 * @param schema - the version of the schema that wrote it
 */
export function snapshotChecksum(snapshot: Snapshot<EncodedState>, schema: number): number {
  const { streamId, projection, version, timestamp, state } = snapshot;
  const place = `${schema} ${streamId}\0${projection}\0${version} ${timestamp.getTime()} ${state.codec}\0`;
  return crc32OfBytes(state.bytes, crc32(place)) | 0;
}

/** The CRC-32 of bytes behind others. zlib takes no bytes at all for a request to start anew. */
export function crc32OfBytes(bytes: Uint8Array, before: number): number {
  return bytes.length === 0 ? before : crc32(bytes, before);
}
