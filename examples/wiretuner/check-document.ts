import { name, sql } from "async-streams";
import { checkDocumentId } from "./check-arguments.js";
import type { Database } from "./database.js";
import { SNAPSHOT_PROJECTION, SNAPSHOTS } from "./document-fold.js";
import { sequenceOf, streamOf, versionOf } from "./document-stream.js";
import { toFlatEvent } from "./flat-event.js";
import { readMetadata } from "./metadata.js";
import { isDocumentId, isEventType, isTimestamp } from "./validate-envelope.js";

/** One line of the checklist of the schema. */
export interface CheckResult {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** How far a snapshot may be from a multiple of the interval. */
const SNAPSHOT_TOLERANCE = 50;
const MAX_SNAPSHOT_BYTES = 10 * 1024 * 1024;

/** Checks a document by the checklist of the schema, a row each. */
export async function checkDocument(db: Database, documentId: string): Promise<CheckResult[]> {
  checkDocumentId(documentId);
  return [
    ...(await checkEvents(db, documentId)),
    ...(await checkSnapshots(db, documentId)),
    ...(await checkDatabase(db)),
  ];
}

async function checkEvents(db: Database, documentId: string): Promise<CheckResult[]> {
  const isThere = (await readMetadata(db, documentId)) !== null;
  const streamId = streamOf(documentId);
  const { firstVersion = 1 } = (await db.describeStream(streamId)) ?? {};
  await using stream = await db.openStream(streamId);
  let next = Math.max(firstVersion, versionOf(0));
  const badSequences: number[] = [];
  const badTypes: string[] = [];
  const badTimes: number[] = [];
  for await (const event of stream.read({ after: Math.min(next - 1, stream.version) })) {
    if (event.type === "@deleted") break;
    const { sequenceNumber, eventType, timestamp } = toFlatEvent(event);
    if (sequenceNumber !== sequenceOf(next)) badSequences.push(sequenceNumber);
    if (!isEventType(eventType)) badTypes.push(eventType);
    if (!isTimestamp(timestamp)) badTimes.push(sequenceNumber);
    next += 1;
  }
  return [
    row(
      "document_id is a valid UUIDv4 and exists in the metadata table",
      isDocumentId(documentId) && isThere,
      documentId,
    ),
    row("event_sequence is non-negative and unique within the document", badSequences.length === 0, list(badSequences)),
    row("event_type is the name of an event class", badTypes.length === 0, list(badTypes)),
    row("timestamp is a positive integer (Unix milliseconds)", badTimes.length === 0, list(badTimes)),
  ];
}

async function checkSnapshots(db: Database, documentId: string): Promise<CheckResult[]> {
  const streamId = streamOf(documentId);
  const { firstVersion = 1 } = (await db.describeStream(streamId)) ?? {};
  await using stream = await db.openStream(streamId);
  const versions: number[] = [];
  const problems: string[] = [];
  let largestBytes = 0;
  for (let atOrBefore = stream.version; atOrBefore > 0; ) {
    const snapshot = await stream
      .loadSnapshot({ projection: SNAPSHOT_PROJECTION, atOrBefore })
      .catch((error: Error) => error);
    if (snapshot === null) break;
    if (snapshot instanceof Error) {
      problems.push(snapshot.message);
      break;
    }
    versions.push(snapshot.version);
    largestBytes = Math.max(largestBytes, JSON.stringify(snapshot.state).length);
    atOrBefore = snapshot.version - 1;
  }
  const { every, keep } = SNAPSHOTS;
  // Two processes that pass a multiple together may save one each, and so remove the oldest one sooner.
  const oldest = versions.length < keep ? 0 : (versions.at(-1) ?? 0);
  const due = dueVersions(firstVersion, stream.version).filter((version) => version >= oldest);
  const isThere = due.every((version) => versions.some((found) => Math.abs(found - version) <= SNAPSHOT_TOLERANCE));
  // Pruning saves one at the cut, wherever that is.
  const others = versions.filter((version) => version !== firstVersion - 1);
  const isNear = others.slice(0, due.length).every((version) => distanceTo(version, every) <= SNAPSHOT_TOLERANCE);
  return [
    row(
      `a snapshot was created every ${every} events (±${SNAPSHOT_TOLERANCE})`,
      isThere && isNear,
      `${versions.length} of ${due.length}: ${list(versions.map(sequenceOf))}`,
    ),
    row(
      "its event_sequence is that of an event",
      versions.every((version) => version <= stream.version),
      "",
    ),
    row("snapshot_data decompresses", problems.length === 0, problems.join("; ")),
    row("it is smaller than 10 MB", largestBytes < MAX_SNAPSHOT_BYTES, `${largestBytes} bytes at most`),
  ];
}

/** The two indexes under the names that they have here. The statements are those of the seed. */
async function checkDatabase(db: Database): Promise<CheckResult[]> {
  const replay = await planOf(db, "es_events", "es_events_by_version");
  const lookup = await planOf(db, "es_snapshots", "sqlite_autoindex_es_snapshots_1");
  // On the connection that writes.
  const [foreignKeys] = await db.transaction((tx) =>
    tx.sql.all<{ foreign_keys: number }>(sql`SELECT foreign_keys FROM pragma_foreign_keys`),
  );
  const [journal] = await db.query<{ journal_mode: string }>(sql`SELECT journal_mode FROM pragma_journal_mode`);
  const mode = journal?.journal_mode ?? "";
  return [
    row("the index of events by sequence is used in replays", replay.ok, replay.detail),
    row("the index of snapshots is used to find the newest one", lookup.ok, lookup.detail),
    row("foreign keys are enabled", foreignKeys?.foreign_keys === 1, ""),
    row("WAL mode is enabled", mode === "wal" || mode === "memory", mode),
  ];
}

async function planOf(db: Database, table: string, index: string): Promise<{ ok: boolean; detail: string }> {
  const rows = await db.query<{ detail: string }>(
    sql`EXPLAIN QUERY PLAN SELECT * FROM ${name(table)} WHERE stream = ${1} AND version >= ${1} ORDER BY version`,
  );
  const detail = rows.map((line) => line.detail).join("; ");
  return { ok: detail.includes(index), detail };
}

/** The multiples of the interval for which there is to be a snapshot, the newest first. Pruning removes those before the cut. */
function dueVersions(firstVersion: number, version: number): number[] {
  const { every, keep } = SNAPSHOTS;
  const due: number[] = [];
  for (let next = version - (version % every); next > 0 && next >= firstVersion - 1 && due.length < keep; next -= every)
    due.push(next);
  return due;
}

function distanceTo(version: number, every: number): number {
  const rest = version % every;
  return Math.min(rest, every - rest);
}

const row = (check: string, ok: boolean, detail: string): CheckResult => ({ check, ok, detail });

const list = (values: readonly (string | number)[]): string => values.slice(0, 10).join(", ");
