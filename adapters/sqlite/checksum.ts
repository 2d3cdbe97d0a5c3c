import { crc32 } from "node:zlib";
import type { EncodedState, Snapshot } from "../../protocols/index.js";
import type { PlacedEvent } from "../../src/adapter-kit/placed-event.js";
import { SCHEMA_VERSION } from "./open/schema.js";

/**
 * The checksum that is stored with an event. It covers everything that a reader gets, the place included, so that an
 * event that changed or took the place of another one is noticed.
 *
 * CRC-32 as zlib has it, kept as a signed number because SQLite stores that in four bytes. It finds damage; it does not
 * keep out a forger.
 */
export function eventChecksum(placed: PlacedEvent, codec: number, schema = SCHEMA_VERSION): number {
  const { event, streamId, version, position, timestampMs } = placed;
  const { id, type, data, metadata } = event;
  const content = typeof data === "string" ? data : "\0";
  const text = `${schema} ${codec} ${position} ${version} ${timestampMs} ${streamId}\0${type}\0${id}\0${metadata ?? ""}\0${content}`;
  return (typeof data === "string" ? crc32(text) : crc32OfBytes(data, crc32(text))) | 0;
}

/** The checksum that is stored with a snapshot. */
export function snapshotChecksum(snapshot: Snapshot<EncodedState>, schema = SCHEMA_VERSION): number {
  const { streamId, projection, version, timestamp, state } = snapshot;
  const place = `${schema} ${streamId}\0${projection}\0${version} ${timestamp.getTime()} ${state.codec}\0`;
  return crc32OfBytes(state.bytes, crc32(place)) | 0;
}

// zlib takes no bytes at all for a request to start anew.
function crc32OfBytes(bytes: Uint8Array, before: number): number {
  return bytes.length === 0 ? before : crc32(bytes, before);
}
