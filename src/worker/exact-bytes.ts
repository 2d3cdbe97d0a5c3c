import type {
  AppendRequest,
  EncodedState,
  EventPage,
  Snapshot,
  SQLStatement,
  SQLValue,
} from "../../protocols/index.js";

/** A message copies the whole buffer that bytes are a view of. These are bytes with a buffer of their own. */
function exactBytes<T>(value: T): T | Uint8Array<ArrayBuffer> {
  if (!(value instanceof Uint8Array)) return value;
  const isExact = value.byteLength === value.buffer.byteLength && value.buffer instanceof ArrayBuffer;
  return isExact ? value : new Uint8Array(value);
}

/** An append as a message carries it, without its signal and what is called here. Nothing tells where its events are placed. */
export function appendMessage({ signal: _signal, onPlaced: _onPlaced, ...request }: AppendRequest): AppendRequest {
  return { ...request, events: request.events.map((event) => ({ ...event, data: exactBytes(event.data) })) };
}

export function pageMessage(page: EventPage): EventPage {
  return { ...page, events: page.events.map((event) => ({ ...event, data: exactBytes(event.data) })) };
}

export function snapshotMessage(snapshot: Snapshot<EncodedState>): Snapshot<EncodedState> {
  const { codec, bytes } = snapshot.state;
  return { ...snapshot, state: { codec, bytes: exactBytes(bytes) } };
}

export function statementMessage({ strings, values }: SQLStatement): SQLStatement {
  return { strings: [...strings], values: values.map(exactBytes) };
}

export function rowsMessage(rows: readonly Record<string, SQLValue>[]): Record<string, SQLValue>[] {
  return rows.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, exactBytes(value)])));
}
