import { CODEC_BYTES } from "../event-codec.js";

/**
 * An event as an element of a page, in the order of PackedEvent. Each function call counts: a page makes them for every
 * event.
 */
export function packedEvent(streamName: string): string {
  return `concat_ws(',', e.version, e.position, e.timestamp, e.codec, ${streamName}, json_quote(t.name),
    CASE typeof(e.id) WHEN 'text' THEN json_quote(e.id) ELSE '["' || hex(e.id) || '"]' END,
    CASE e.codec WHEN 0 THEN e.data || ',' || coalesce(e.metadata, 'null')
                 WHEN ${CODEC_BYTES} THEN '"' || hex(e.data) || '",' || coalesce(e.metadata, 'null')
                 ELSE octet_length(e.data) + coalesce(octet_length(e.metadata), 0) END)`;
}

/**
 * A page of events by their `content`, as an array of arrays. The outer brackets come from SQLite, which copies the text at this
 * point anyway; JavaScript would have to copy a page of a megabyte for them.
 */
export const PACKED_PAGE = "'[[' || group_concat(content, '],[') || ']]'";
