import { crc32 } from "node:zlib";
import type { NewEvent } from "../../protocols/index.js";
import { crc32OfBytes } from "../../src/adapter-kit/checksum.js";
import { SCHEMA_VERSION } from "./open/schema.js";

/**
 * The part of an event's checksum that the writer knows: it covers everything that a reader gets but the place, which the
 * server gives. CRC-32 as zlib has it, as a signed number. It finds damage; it does not keep out a forger.
 */
export function contentChecksum(
  { id, idempotencyKey, type, data, metadata }: NewEvent,
  streamId: string,
  timestampMs: number,
  schema = SCHEMA_VERSION,
): number {
  const kind = idempotencyKey === null ? "id" : "key";
  const content = typeof data === "string" ? data : "\0";
  const text = `${schema} ${timestampMs} ${kind} ${streamId}\0${type}\0${id}\0${metadata ?? ""}\0${content}`;
  return (typeof data === "string" ? crc32(text) : crc32OfBytes(data, crc32(text))) | 0;
}

// Odd and large, so that places which are near to each other come to numbers that are not.
const POSITION_FACTOR = 0x5bd1e995;
const VERSION_FACTOR = 0x2c1b3c6d;

/** The other part: an event that took the place of another one is noticed. The checksum is the xor of both. */
export function placeChecksum(position: number, version: number): number {
  return Math.imul(position, POSITION_FACTOR) ^ Math.imul(version, VERSION_FACTOR);
}

/** The same as an expression of the server's. */
export function placeChecksumSQL(position: string, version: string): string {
  const low = (place: string, factor: number) => `((((${place})::bigint) & 4294967295) * ${factor})`;
  return `(((${low(position, POSITION_FACTOR)} # ${low(version, VERSION_FACTOR)}) << 32) >> 32)::int`;
}
