import type { NewEvent } from "../../../protocols/index.js";
import { eventChecksum } from "../checksum.js";
import { codecOf } from "../event-codec.js";
import type { PlacedEvent } from "../notify/commit-feed.js";

/** The numbers that rows carry in the place of names. */
export interface RowNumbers {
  readonly streams: ReadonlyMap<string, { readonly id: number }>;
  readonly types: ReadonlyMap<string, number>;
}

/** How many events, and about how many characters, the rows of one statement hold. */
export const MAX_STATEMENT_EVENTS = 256;
export const MAX_STATEMENT_CHARACTERS = 8 * 1024 * 1024;

/** Added to the codec of an event whose id was made by us: 16 bytes instead of a text of 36. */
export const MADE_ID = 4;

/**
 * Events as one JSON text, which the INSERT takes apart. Data and metadata stand in it as they are, not as strings that
 * would have to be escaped here and unescaped there.
 */
export function encodeRows(events: readonly PlacedEvent[], numbers: RowNumbers): string {
  let text = "[";
  for (const placed of events) text += (text.length === 1 ? "" : ",") + encodeRow(placed, numbers);
  return `${text}]`;
}

function encodeRow(placed: PlacedEvent, { streams, types }: RowNumbers): string {
  const { event, streamId, version } = placed;
  const { idempotencyKey, data, metadata } = event;
  const kind = kindOf(event);
  const codec = kind & ~MADE_ID;
  const id = idempotencyKey === null ? `"${event.id.replaceAll("-", "")}"` : JSON.stringify(idempotencyKey);
  const content =
    typeof data === "string" ? data : `"${Buffer.from(data.buffer, data.byteOffset, data.length).toString("hex")}"`;
  return `[${streams.get(streamId)?.id},${version},${kind},${types.get(event.type)},${id},${content},${metadata},${eventChecksum(placed, codec)}]`;
}

/** What all rows of a statement have in common; null where they differ. */
export interface SharedByRows {
  readonly kind: number | null;
  readonly stream: number | null;
  readonly type: number | null;
}

export function sharedByRows(events: readonly PlacedEvent[], { streams, types }: RowNumbers): SharedByRows {
  const [first] = events as readonly [PlacedEvent];
  const kind = kindOf(first.event);
  const { streamId } = first;
  const { type } = first.event;
  return {
    kind: events.every(({ event }) => kindOf(event) === kind) ? kind : null,
    stream: events.every((placed) => placed.streamId === streamId) ? (streams.get(streamId)?.id ?? null) : null,
    type: events.every(({ event }) => event.type === type) ? (types.get(type) ?? null) : null,
  };
}

function kindOf(event: NewEvent): number {
  return codecOf(event) + (event.idempotencyKey === null ? MADE_ID : 0);
}

/** Splits events into what one statement carries each. */
export function* statementChunks(events: readonly PlacedEvent[]): Generator<readonly PlacedEvent[]> {
  let start = 0;
  let characters = 0;
  for (let index = 0; index < events.length; index += 1) {
    characters += eventCharacters((events[index] as PlacedEvent).event);
    if (index + 1 - start < MAX_STATEMENT_EVENTS && characters < MAX_STATEMENT_CHARACTERS) continue;
    yield events.slice(start, index + 1);
    start = index + 1;
    characters = 0;
  }
  if (start < events.length) yield events.slice(start);
}

export function eventCharacters({ data, metadata }: NewEvent): number {
  return data.length + (metadata?.length ?? 0);
}
