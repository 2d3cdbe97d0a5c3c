import { crc32 } from "node:zlib";
import type { PlacedEvent } from "../../protocols/index.js";
import { crc32OfBytes } from "../../src/adapter-kit/checksum.js";
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
