import type { EncodedState, NewEvent, Snapshot } from "async-streams";

/** A line of the file that holds an event. */
export interface EventLine {
  readonly kind: "event";
  readonly streamId: string;
  readonly timestampMs: number;
  /**
   * How many lines of the same append still follow. An append counts only when the line with 0 is there: that is what
   * makes it atomic.
   */
  readonly linesLeft: number;
  readonly event: NewEvent;
}

/** A line of the file that holds a snapshot. */
export interface SnapshotLine {
  readonly kind: "snapshot";
  readonly snapshot: Snapshot<EncodedState>;
}

export type LineRecord = EventLine | SnapshotLine;

/** How every line begins. */
export const LINE_START = '{"kind":"';

const BYTES_MARK = "base64:";
const TEXT_MARK = "text:";

/**
 * A record as JSON text. `data` and `metadata` stay the texts that the core made of them: parsed and written anew, a
 * value such as -0 would not come back.
 */
export function encodeLine(record: LineRecord): string {
  if (record.kind === "event") {
    return JSON.stringify({ ...record, event: { ...record.event, data: encodeData(record.event.data) } });
  }
  const { timestamp, state, ...rest } = record.snapshot;
  const bytes = encodeData(state.bytes);
  return JSON.stringify({
    kind: "snapshot",
    snapshot: { ...rest, timestamp: timestamp.getTime(), state: { ...state, bytes } },
  });
}

/** @throws SyntaxError when the text is no line of ours */
export function decodeLine(text: string): LineRecord {
  const record = JSON.parse(text);
  if (record.kind === "event") return { ...record, event: { ...record.event, data: decodeData(record.event.data) } };
  if (record.kind !== "snapshot") throw new SyntaxError("It is neither an event nor a snapshot");
  const { timestamp, state, ...rest } = record.snapshot;
  const bytes = decodeData(state.bytes);
  return { kind: "snapshot", snapshot: { ...rest, timestamp: new Date(timestamp), state: { ...state, bytes } } };
}

function encodeData(data: string | Uint8Array): string {
  return typeof data === "string" ? TEXT_MARK + data : BYTES_MARK + Buffer.from(data).toString("base64");
}

function decodeData(text: string): string | Uint8Array {
  if (text.startsWith(TEXT_MARK)) return text.slice(TEXT_MARK.length);
  return new Uint8Array(Buffer.from(text.slice(BYTES_MARK.length), "base64"));
}
