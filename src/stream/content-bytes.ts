import type { EventPage, NewEvent, StoredEvent } from "../../protocols/index.js";

/** About what a write, an event, a value in it and the place of a value take in memory besides its content. */
const WRITE_BYTES = 1_024;
const EVENT_BYTES = 256;
const VALUE_BYTES = 32;
/** V8 keeps a text that has a character beyond Latin-1 in two bytes a character, and any other in one. */
const WIDE_CHARACTER_BYTES = 2;
const WIDE_CHARACTER = /[\u0100-\uffff]/;
/** Short texts are not looked through. */
const MAX_SHORT_LENGTH = 256;

/** About how many bytes the events of a write take while they wait to be stored. */
export function encodedBytes(events: readonly NewEvent[]): number {
  let bytes = WRITE_BYTES;
  for (const { idempotencyKey, type, data, metadata } of events) {
    bytes += EVENT_BYTES + textBytes(type) + (typeof data === "string" ? textBytes(data) : data.byteLength);
    if (metadata !== null) bytes += textBytes(metadata);
    if (idempotencyKey !== null) bytes += textBytes(idempotencyKey);
  }
  return bytes;
}

/** About how many bytes a stored event takes while it waits for a consumer. */
export function storedBytes({ data, metadata }: NewEvent): number {
  return EVENT_BYTES + WIDE_CHARACTER_BYTES * (data.length + (metadata?.length ?? 0));
}

/** About how many bytes a page's events take while they wait for a consumer. */
export function pageBytes({ events, contentBytes }: EventPage): number {
  if (contentBytes !== undefined) return EVENT_BYTES * events.length + WIDE_CHARACTER_BYTES * contentBytes;
  return decodedBytes(events);
}

/** About how many bytes events take while they wait for a consumer. */
export function decodedBytes(events: readonly StoredEvent[]): number {
  let bytes = 0;
  for (const { data, metadata } of events) bytes += EVENT_BYTES + valueBytes(data) + valueBytes(metadata);
  return bytes;
}

function valueBytes(value: unknown): number {
  if (typeof value === "string") return VALUE_BYTES + textBytes(value);
  if (typeof value !== "object" || value === null) return VALUE_BYTES;
  if (value instanceof Uint8Array) return VALUE_BYTES + value.byteLength;
  let bytes = VALUE_BYTES;
  if (Array.isArray(value)) for (const item of value) bytes += valueBytes(item);
  else for (const key in value) bytes += VALUE_BYTES + valueBytes((value as Record<string, unknown>)[key]);
  return bytes;
}

function textBytes(text: string): number {
  const isNarrow = text.length > MAX_SHORT_LENGTH && !WIDE_CHARACTER.test(text);
  return isNarrow ? text.length : WIDE_CHARACTER_BYTES * text.length;
}
