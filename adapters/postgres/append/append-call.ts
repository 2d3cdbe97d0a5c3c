import type { ExpectedVersion, NewEvent } from "../../../protocols/index.js";
import { contentChecksum } from "../checksum.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreHistory } from "../history/store-history.js";
import { storeIdentity } from "../history/store-mark.js";
import type { StoreNames } from "../open/schema.js";
import { bytesArray, joinedJson, jsonTextsOf, plainArray } from "../sql-text.js";
import { unconfirmed } from "../transaction/writer.js";

/** The events of one stream in a call. */
export interface CallPart {
  readonly streamId: string;
  readonly expectedVersion: ExpectedVersion;
  readonly events: readonly NewEvent[];
}

/** What is stored together or not at all. */
export interface CallMember {
  readonly parts: readonly CallPart[];
  /** The last position that may be stored before it; undefined where it does not matter. */
  readonly position?: number | undefined;
}

/** What became of a part that was stored. */
export interface StoredPart {
  /** The stream's version before. */
  readonly version: number;
  /** The position of the stream's last event before. */
  readonly head: number;
  /** The position of the first event of the part, where it has one. */
  readonly firstPosition: number;
}

/** What a call did. */
export interface CallAnswer {
  /** The last position before that was given or skipped. */
  readonly previousPosition: number;
  /** The parts of the first members: all that were stored. */
  readonly parts: readonly StoredPart[];
}

const ANY = -1;
const EXISTS = -2;

/** What a call has besides its members. */
export interface CallSettings {
  readonly timestampMs: number;
  readonly notify: boolean;
  readonly history: StoreHistory;
}

/**
 * Stores the first members that are clean: see the function in the database. It is called only in the store that this process
 * has seen.
 *
 * @throws StoreChangedError
 */
export async function callAppend(
  connection: PostgresConnection,
  names: StoreNames,
  members: readonly CallMember[],
  { timestampMs, notify, history }: CallSettings,
): Promise<CallAnswer> {
  const parts = members.flatMap((member) => member.parts);
  const numbers = members.flatMap((member, index) => member.parts.map(() => index + 1));
  const events = parts.flatMap((part) => part.events);
  const values = [
    timestampMs,
    notify ? names.channel : null,
    plainArray(members.map(({ position }) => position ?? null)),
    plainArray(numbers),
    bytesArray(parts.map(({ streamId }) => streamId)),
    plainArray(parts.map(({ expectedVersion }) => expectedNumber(expectedVersion))),
    plainArray(parts.map((part) => part.events.length)),
    plainArray(parts.flatMap((part, index) => part.events.map(() => index + 1))),
    plainArray(events.map(({ idempotencyKey }) => idempotencyKey !== null)),
    bytesArray(events.map(({ id }) => id)),
    bytesArray(events.map(({ type }) => type)),
    unlessEmpty(
      events.map(({ data }) => (typeof data === "string" ? data : null)),
      joinedJson,
    ),
    unlessEmpty(
      events.map(({ data }) => (typeof data === "string" ? null : data)),
      bytesArray,
    ),
    unlessEmpty(
      events.map(({ metadata }) => metadata),
      joinedJson,
    ),
    plainArray(parts.flatMap((part) => part.events.map((event) => contentChecksum(event, part.streamId, timestampMs)))),
  ];
  for (;;) {
    const { rows, hasWarning } = await connection.query<AnswerRow>({
      name: "es_append",
      text: appendSQL(names),
      values: [...values, history.identity],
    });
    if (hasWarning) throw unconfirmed();
    if (rows[0] !== undefined) return answerOf(rows[0], parts);
    await history.check(connection);
  }
}

// The timestamp depends on the row of the store, so that nothing is stored before that row is found.
function appendSQL({ prefix }: StoreNames): string {
  return `
    SELECT a.* FROM ${prefix}es_store s CROSS JOIN LATERAL ${prefix}es_append(
      CASE WHEN s.is_only THEN $1::bigint END, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
      ${jsonTextsOf("$12")}, $13, ${jsonTextsOf("$14")}, $15) a
    WHERE ${storeIdentity("s")} = $16`;
}

interface AnswerRow {
  readonly o_last: number;
  readonly o_stored: number;
  readonly o_versions: string | null;
  readonly o_heads: string | null;
}

function answerOf(row: AnswerRow, parts: readonly CallPart[]): CallAnswer {
  const versions = (row.o_versions ?? "").split(",");
  const heads = (row.o_heads ?? "").split(",");
  let position = row.o_last;
  const stored = parts.slice(0, row.o_stored).map(({ events }, index) => {
    const part = { version: Number(versions[index]), head: Number(heads[index]), firstPosition: position + 1 };
    position += events.length;
    return part;
  });
  return { previousPosition: row.o_last, parts: stored };
}

function expectedNumber(expected: ExpectedVersion): number {
  if (expected === "any") return ANY;
  return expected === "exists" ? EXISTS : expected;
}

/** Null in place of an array of nothing but nulls: unnest makes the same of it. */
function unlessEmpty<T>(
  values: readonly (T | null)[],
  write: (values: readonly (T | null)[]) => string,
): string | null {
  return values.some((value) => value !== null) ? write(values) : null;
}
