import type { NewEvent } from "../../protocols/index.js";

/** The largest data, and the largest metadata, that is packed into a page, in UTF-16 units or bytes. */
export const MAX_INLINE_LENGTH = 16 * 1024;

/**
 * How a row's data is to be read: the sum of these. JSON as text is 0, so that most rows spend nothing on it.
 *
 * That an event is large is noted in its row, because asking for the size of each event would take a third of the time
 * of a short page.
 */
export const CODEC_BYTES = 1;
export const CODEC_LARGE = 2;

/** The flags that the column `codec` of a row contains. */
export const STORED_CODEC = CODEC_BYTES + CODEC_LARGE;

/** Added where a row is bound: its id was made by the library, and is stored as 16 bytes instead of a text of 36. */
export const CODEC_MADE_ID = 4;

export function codecOf({ data, metadata }: NewEvent): number {
  const isLarge = data.length > MAX_INLINE_LENGTH || (metadata !== null && metadata.length > MAX_INLINE_LENGTH);
  return (typeof data === "string" ? 0 : CODEC_BYTES) + (isLarge ? CODEC_LARGE : 0);
}
