import { ALL_STREAM, type JsonObject, type StoredEvent } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { CODEC_BYTES, CODEC_LARGE } from "../event-codec.js";

/** How much content that is fetched apart a page takes before it is cut short. */
const MAX_FETCHED_BYTES = 8 * 1024 * 1024;

/** An event as SQLite packs it; of a large one only the size is there, and its data and metadata are fetched apart. */
export type PackedEvent = readonly [
  version: number,
  position: number,
  timestampMs: number,
  codec: number,
  /** 0 on a page of one stream. */
  streamId: string | 0,
  type: string,
  /** A key, or in a list the hexadecimal digits of a UUID. */
  id: string | readonly [string],
  dataOrSize: unknown,
  metadata?: JsonObject | null,
];

interface Content {
  readonly position: number;
  readonly data: string | Uint8Array;
  readonly metadata: string | null;
}

/** How many elements a packed event has: the data of a large one is fetched apart, with its metadata. */
const PACKED_ELEMENTS = 9;
const PACKED_ELEMENTS_LARGE = 8;

/**
 * Parses a page that SQLite has packed. Data and metadata are in it as they are stored, so that what is not one JSON
 * value each could add events or elements: a page must have the rows that SQLite counted, and each its elements.
 *
 * @throws SyntaxError when an event's content is not JSON
 */
export function unpackPage(page: string | null, count: number, streamId: string): readonly PackedEvent[] {
  if (page === null) return [];
  const packed = JSON.parse(page) as PackedEvent[];
  const isWhole = streamId === ALL_STREAM ? isWholeOfAll : isWholeOfStream;
  if (packed.length !== count || !packed.every(isWhole)) throw new SyntaxError("an event is more than its own row");
  return packed;
}

/** The name of a stream that is not there is null, and a damaged one may be any number. */
function isWholeOfAll(event: PackedEvent): boolean {
  return typeof event[4] === "string" && isWhole(event);
}

function isWholeOfStream(event: PackedEvent): boolean {
  return event[4] === 0 && isWhole(event);
}

/** Whether it has all elements, and a type. */
function isWhole(event: PackedEvent): boolean {
  const elements = isLarge(event) ? PACKED_ELEMENTS_LARGE : PACKED_ELEMENTS;
  return event.length === elements && typeof event[5] === "string";
}

/** The events of a page. */
interface DecodedPage {
  readonly events: StoredEvent[];
  readonly isComplete: boolean;
  readonly fetchedBytes: number;
}

/**
 * Decodes the events of a page, at once unless some are large. Pages are bounded in bytes: small events by their number,
 * and large ones by cutting the page short behind the one that reaches the limit.
 *
 * @throws SyntaxError when the content of a large event is not what is stored of one
 */
export function decodePage(
  connection: SQLiteConnection,
  packed: readonly PackedEvent[],
  pageStreamId: string,
): DecodedPage | Promise<DecodedPage> {
  if (!packed.some(isLarge)) {
    const events = packed.map((event) => decodePacked(event, pageStreamId));
    return { events, isComplete: true, fetchedBytes: 0 };
  }
  return decodeLargePage(connection, packed, pageStreamId);
}

async function decodeLargePage(
  connection: SQLiteConnection,
  packed: readonly PackedEvent[],
  pageStreamId: string,
): Promise<DecodedPage> {
  const wanted: number[] = [];
  let fetchedBytes = 0;
  let count = 0;
  for (const event of packed) {
    if (fetchedBytes >= MAX_FETCHED_BYTES) break;
    count += 1;
    if (!isLarge(event)) continue;
    fetchedBytes += event[7] as number;
    wanted.push(event[1]);
  }
  const contents = await fetchContents(connection, wanted);
  const events = packed.slice(0, count).map((event) => {
    const content = contents.get(event[1]);
    // Otherwise its size would be taken for its data.
    if (isLarge(event) && content === undefined) throw new SyntaxError("the content of a large event is not there");
    return decodePacked(event, pageStreamId, content);
  });
  return { events, isComplete: count === packed.length, fetchedBytes };
}

function isLarge(event: PackedEvent): boolean {
  return (event[3] & CODEC_LARGE) !== 0;
}

async function fetchContents(
  connection: SQLiteConnection,
  positions: readonly number[],
): Promise<ReadonlyMap<number, Content>> {
  const sql = "SELECT position, data, metadata FROM es_events WHERE position IN (SELECT value FROM json_each(?1))";
  const rows = await connection.all<Content>(sql, [JSON.stringify(positions)]);
  return new Map(rows.map((row) => [row.position, row]));
}

function decodePacked(packed: PackedEvent, pageStreamId: string, content?: Content): StoredEvent {
  const [version, position, timestampMs, codec, streamId, type, id, data, metadata = null] = packed;
  return {
    id: typeof id === "string" ? id : formatUuid(id[0]),
    streamId: streamId === 0 ? pageStreamId : streamId,
    version,
    position,
    timestamp: new Date(timestampMs),
    type,
    data: content === undefined ? decodeInline(codec, data) : decodeFetched(content.data),
    metadata: content === undefined ? metadata : (JSON.parse(content.metadata ?? "null") as JsonObject | null),
  };
}

function decodeInline(codec: number, data: unknown): unknown {
  return (codec & CODEC_BYTES) === 0 ? data : new Uint8Array(Buffer.from(data as string, "hex"));
}

function decodeFetched(data: unknown): unknown {
  if (typeof data === "string") return JSON.parse(data);
  // A number would be taken for a length.
  if (!(data instanceof Uint8Array)) throw new SyntaxError("large data is neither text nor bytes");
  return new Uint8Array(data);
}

export function formatUuid(hex: string): string {
  const digits = hex.toLowerCase();
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-${digits.slice(12, 16)}-${digits.slice(16, 20)}-${digits.slice(20)}`;
}
