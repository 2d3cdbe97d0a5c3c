import type { ExpectedVersion, NewEvent } from "../../../protocols/index.js";
import { contentChecksum } from "../checksum.js";
import type { ClientStatement, PostgresConnection } from "../client/client.js";
import type { StoreHistory } from "../history/store-history.js";
import { storeIdentity } from "../history/store-mark.js";
import type { StoreNames } from "../open/schema.js";
import { bytesArray, bytesOf, jsonTextsOf, plainArray } from "../sql-text.js";
import { unconfirmed } from "../transaction/writer.js";
import { contentOf, contentsOf } from "./event-content.js";

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
  /** The number of the stream, where it is known. */
  readonly stream?: number | undefined;
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
  /** Whether the store has the functions for one event and for known streams. One that an earlier build has made may lack them. */
  readonly hasAddedFunctions: boolean;
}

/**
 * Stores the first members that are clean: see the functions in the database. It is called only in the store that this process
 * has seen.
 *
 * @throws StoreChangedError
 */
export async function callAppend(
  connection: PostgresConnection,
  names: StoreNames,
  members: readonly CallMember[],
  settings: CallSettings,
): Promise<CallAnswer> {
  const parts = members.flatMap((member) => member.parts);
  const [part] = parts;
  const [event] = part?.events ?? [];
  if (settings.hasAddedFunctions && parts.length === 1 && part?.events.length === 1 && event !== undefined) {
    const statement = oneEventStatement(names, part, event, members[0]?.position, settings);
    return answerOfOne(await send<OneAnswerRow>(connection, statement, settings));
  }
  return answerOf(await send<AnswerRow>(connection, appendStatement(names, members, parts, settings), settings), parts);
}

/** A statement whose last value tells the store, and is added as it is sent. */
type StoreStatement = Required<ClientStatement>;

async function send<Row>(
  connection: PostgresConnection,
  { values, ...statement }: StoreStatement,
  { history }: CallSettings,
): Promise<Row> {
  for (;;) {
    const { rows, hasWarning } = await connection.query<Row>({ ...statement, values: [...values, history.identity] });
    if (hasWarning) throw unconfirmed();
    if (rows[0] !== undefined) return rows[0];
    await history.check(connection);
  }
}

function oneEventStatement(
  { prefix, channel }: StoreNames,
  { streamId, expectedVersion }: CallPart,
  event: NewEvent,
  position: number | undefined,
  { timestampMs, notify }: CallSettings,
): StoreStatement {
  const { id, idempotencyKey, type } = event;
  return {
    name: "es_append_one",
    text: `
      SELECT ${prefix}es_append_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) AS answer
      FROM ${prefix}es_store s WHERE ${storeIdentity("s")} = $13`,
    values: [
      timestampMs,
      notify ? channel : null,
      position ?? null,
      bytesOf(streamId),
      expectedNumber(expectedVersion),
      idempotencyKey !== null,
      bytesOf(id),
      bytesOf(type),
      ...contentOf(event),
      contentChecksum(event, streamId, timestampMs),
    ],
  };
}

// The timestamp depends on the row of the store, so that nothing is stored before that row is found.
function appendStatement(
  { prefix, channel }: StoreNames,
  members: readonly CallMember[],
  parts: readonly CallPart[],
  { timestampMs, notify }: CallSettings,
): StoreStatement {
  const numbers = members.flatMap((member, index) => member.parts.map(() => index + 1));
  const events = parts.flatMap((part) => part.events);
  return {
    name: "es_append",
    text: `
      SELECT a.* FROM ${prefix}es_store s CROSS JOIN LATERAL ${prefix}es_append(
        CASE WHEN s.is_only THEN $1::bigint END, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11,
        ${jsonTextsOf("$12")}, $13, ${jsonTextsOf("$14")}, $15) a
      WHERE ${storeIdentity("s")} = $16`,
    values: [
      timestampMs,
      notify ? channel : null,
      plainArray(members.map(({ position }) => position ?? null)),
      plainArray(numbers),
      bytesArray(parts.map(({ streamId }) => streamId)),
      plainArray(parts.map(({ expectedVersion }) => expectedNumber(expectedVersion))),
      plainArray(parts.map((part) => part.events.length)),
      plainArray(parts.flatMap((part, index) => part.events.map(() => index + 1))),
      plainArray(events.map(({ idempotencyKey }) => idempotencyKey !== null)),
      bytesArray(events.map(({ id }) => id)),
      bytesArray(events.map(({ type }) => type)),
      ...contentsOf(events),
      plainArray(
        parts.flatMap((part) => part.events.map((event) => contentChecksum(event, part.streamId, timestampMs))),
      ),
    ],
  };
}

interface OneAnswerRow {
  readonly answer: string;
}

function answerOfOne({ answer }: OneAnswerRow): CallAnswer {
  const [previousPosition = 0, version, head = 0, stream] = answer.split(" ").map(Number);
  const parts = version === undefined ? [] : [{ version, head, firstPosition: previousPosition + 1, stream }];
  return { previousPosition, parts };
}

interface AnswerRow {
  readonly o_last: number;
  readonly o_stored: number;
  readonly o_versions: string | null;
  readonly o_heads: string | null;
}

function answerOf(row: AnswerRow, parts: readonly CallPart[]): CallAnswer {
  const versions = (row.o_versions ?? "").split(",");
  // A function that an earlier build has made tells no numbers.
  const [heads = [], streams = []] = (row.o_heads ?? "").split(";").map((numbers) => numbers.split(","));
  let position = row.o_last;
  const stored = parts.slice(0, row.o_stored).map(({ events }, index) => {
    const part = {
      version: Number(versions[index]),
      head: Number(heads[index]),
      firstPosition: position + 1,
      stream: Number(streams[index]) || undefined,
    };
    position += events.length;
    return part;
  });
  return { previousPosition: row.o_last, parts: stored };
}

function expectedNumber(expected: ExpectedVersion): number {
  if (expected === "any") return ANY;
  return expected === "exists" ? EXISTS : expected;
}
