import type { NewEvent, PlacedEvent } from "../../../protocols/index.js";
import { eventChecksum } from "../checksum.js";
import { CODEC_MADE_ID, codecOf, STORED_CODEC } from "../event-codec.js";

/** The numbers that rows carry instead of names, and whether they carry checksums. */
export interface RowNumbers {
  readonly streams: ReadonlyMap<string, { readonly id: number }>;
  readonly types: ReadonlyMap<string, number>;
  readonly checksums: boolean;
}

/** How many events, and about how many characters, the rows of one statement hold. */
export const MAX_STATEMENT_EVENTS = 256;
export const MAX_STATEMENT_CHARACTERS = 8 * 1024 * 1024;

/** The rows of a statement: what differs between them as one JSON text, and what all of them share. */
export interface EncodedRows extends SharedByRows {
  readonly json: string;
}

/**
 * What all rows of a statement share, and so is bound once; null where they differ, and each row has its own. Looking
 * into a row costs SQLite as much as storing it.
 */
export interface SharedByRows {
  readonly stream: number | null;
  /** The version of the first event: those of one stream follow each other. */
  readonly firstVersion: number | null;
  readonly codec: number | null;
  readonly type: number | null;
}

/**
 * Events as the INSERT takes them. Data and metadata are part of the JSON text as they are, so nothing is escaped and
 * unescaped.
 */
export function encodeRows(events: readonly PlacedEvent[], numbers: RowNumbers): EncodedRows {
  const shared = sharedByRows(events, numbers);
  let json = "[";
  for (const placed of events) json += (json.length === 1 ? "" : ",") + encodeRow(placed, shared, numbers);
  return { json: `${json}]`, ...shared };
}

/** The values of a single row, one by one. */
export type RowValues = [
  before: number,
  stream: number,
  version: number,
  timestampMs: number,
  codec: number,
  type: number,
  id: string,
  data: string | Uint8Array,
  metadata: string | null,
  checksum: number | null,
];

export function rowValues(placed: PlacedEvent, { streams, types, checksums }: RowNumbers): RowValues {
  const { event, streamId, version, position, timestampMs } = placed;
  const codec = boundCodecOf(event);
  const checksum = checksums ? eventChecksum(placed, codec & STORED_CODEC) : null;
  const [stream, type] = [streams.get(streamId)?.id as number, types.get(event.type) as number];
  return [position - 1, stream, version, timestampMs, codec, type, event.id, event.data, event.metadata, checksum];
}

function sharedByRows(events: readonly PlacedEvent[], { streams, types }: RowNumbers): SharedByRows {
  const [first] = events as readonly [PlacedEvent];
  const { streamId, version } = first;
  const { type } = first.event;
  const codec = boundCodecOf(first.event);
  let [isOneStream, isOneCodec, isOneType] = [true, true, true];
  for (const placed of events) {
    isOneStream &&= placed.streamId === streamId;
    isOneCodec &&= boundCodecOf(placed.event) === codec;
    isOneType &&= placed.event.type === type;
  }
  return {
    stream: isOneStream ? (streams.get(streamId)?.id as number) : null,
    firstVersion: isOneStream ? version : null,
    codec: isOneCodec ? codec : null,
    type: isOneType ? (types.get(type) as number) : null,
  };
}

function encodeRow(placed: PlacedEvent, shared: SharedByRows, { streams, types, checksums }: RowNumbers): string {
  const { event, streamId, version } = placed;
  const { idempotencyKey, data, metadata } = event;
  const codec = shared.codec ?? boundCodecOf(event);
  const id = idempotencyKey === null ? `"${event.id}"` : JSON.stringify(idempotencyKey);
  const content =
    typeof data === "string" ? data : `"${Buffer.from(data.buffer, data.byteOffset, data.length).toString("hex")}"`;
  const checksum = checksums ? eventChecksum(placed, codec & STORED_CODEC) : null;
  const own = `[${id},${content},${metadata},${checksum}`;
  if (shared.stream !== null && shared.codec !== null && shared.type !== null) return `${own}]`;
  return `${own},${streams.get(streamId)?.id},${version},${codec},${types.get(event.type)}]`;
}

/**
 * Events with the places that they have in another store, as one JSON text: lists of the position, the stream, the version,
 * the time, the codec, the type, the id, data, metadata and the checksum.
 */
export function copiedRows(events: readonly PlacedEvent[], numbers: RowNumbers): string {
  return JSON.stringify(
    events.map((placed) => {
      const { data } = placed.event;
      const values: unknown[] = rowValues(placed, numbers);
      values[0] = placed.position;
      if (typeof data !== "string") values[7] = Buffer.from(data.buffer, data.byteOffset, data.length).toString("hex");
      return values;
    }),
  );
}

function boundCodecOf(event: NewEvent): number {
  return codecOf(event) + (event.idempotencyKey === null ? CODEC_MADE_ID : 0);
}

/** Splits events into what one statement carries each. */
export function statementChunks(events: readonly PlacedEvent[]): (readonly PlacedEvent[])[] {
  const chunks: (readonly PlacedEvent[])[] = [];
  let start = 0;
  let characters = 0;
  for (let index = 0; index < events.length; index += 1) {
    characters += eventCharacters((events[index] as PlacedEvent).event);
    if (index + 1 - start < MAX_STATEMENT_EVENTS && characters < MAX_STATEMENT_CHARACTERS) continue;
    chunks.push(events.slice(start, index + 1));
    start = index + 1;
    characters = 0;
  }
  if (start < events.length) chunks.push(start === 0 ? events : events.slice(start));
  return chunks;
}

export function eventCharacters({ data, metadata }: NewEvent): number {
  return data.length + (metadata?.length ?? 0);
}
