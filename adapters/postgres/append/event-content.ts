import type { NewEvent } from "../../../protocols/index.js";
import type { ClientValue } from "../client/client.js";
import { bytesArray, joinedJson, unlessEmpty } from "../sql-text.js";

/** The content of an event as the server takes it: its data as a text or as bytes, and its metadata. */
export function contentOf({ data, metadata }: NewEvent): readonly ClientValue[] {
  return [textOf(data), bytesOfData(data), metadata];
}

/** The same of many, as a list of texts, an array and a list of texts. */
export function contentsOf(events: readonly NewEvent[]): readonly ClientValue[] {
  return [
    unlessEmpty(
      events.map(({ data }) => textOf(data)),
      joinedJson,
    ),
    unlessEmpty(
      events.map(({ data }) => bytesOfData(data)),
      bytesArray,
    ),
    unlessEmpty(
      events.map(({ metadata }) => metadata),
      joinedJson,
    ),
  ];
}

function textOf(data: NewEvent["data"]): string | null {
  return typeof data === "string" ? data : null;
}

function bytesOfData(data: NewEvent["data"]): Uint8Array | null {
  return typeof data === "string" ? null : data;
}
