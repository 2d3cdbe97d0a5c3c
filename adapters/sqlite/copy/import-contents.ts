import {
  ALL_STREAM,
  type ContentsBatch,
  type CopiedEvent,
  type CopiedRecord,
  type PrunedStream,
} from "../../../protocols/index.js";
import { COPY_SPACE } from "../../../src/copy/copy-note.js";
import { REMOVAL_STEP_EVENTS } from "../../../src/limits.js";
import { insertStreams, insertTypes, readNumbers } from "../append/append-statements.js";
import { INSERT_INTO_EVENTS } from "../append/append-views.js";
import { copiedRows } from "../append/event-rows.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { CODEC_BYTES, CODEC_MADE_ID, STORED_CODEC } from "../event-codec.js";
import { SCHEMA_VERSION } from "../open/schema.js";
import { head } from "../read/stream-figures.js";
import { putSnapshot } from "../snapshot-statements.js";
import { inTransaction } from "../transaction/transaction.js";

/** Makes the changes of a batch in one transaction, if the store ends where the batch begins. */
export function importContents(
  connection: SQLiteConnection,
  { after, remove = {}, put = {}, figures }: ContentsBatch,
  checksums: boolean,
): Promise<boolean> {
  return inTransaction(connection, async () => {
    if ((await head(connection, { streamId: ALL_STREAM })) !== after) return false;
    await runForRows(connection, REMOVE_KEYS, remove.keptKeys, ({ streamId, key }) => [streamId, key]);
    await runForRows(connection, REMOVE_RECORDS, remove.records, ({ space, key }) => [space, key]);
    for (const { streamId, projection, version } of remove.snapshots ?? []) {
      await connection.run(REMOVE_SNAPSHOT, [streamId, projection, version]);
    }
    await putEvents(connection, put.events ?? [], checksums);
    for (const stream of put.prunedStreams ?? []) await raiseFirst(connection, stream);
    await runForRows(connection, PUT_KEYS, put.keptKeys, (key) => [key.streamId, key.key, key.version, key.position]);
    for (const snapshot of put.snapshots ?? []) await putSnapshot(connection, snapshot);
    await putRecords(connection, put.records ?? [], figures?.lastRevision ?? 0);
    if (figures !== undefined) await setPositions(connection, figures.givenPosition);
    return true;
  });
}

async function runForRows<Item>(
  connection: SQLiteConnection,
  sql: string,
  items: readonly Item[] = [],
  rowOf: (item: Item) => readonly unknown[],
): Promise<void> {
  if (items.length > 0) await connection.run(sql, [JSON.stringify(items.map(rowOf))]);
}

// A row of ?1 is a list with the columns. Content is JSON text, or the hexadecimal digits of bytes.
const PUT_EVENTS = `${INSERT_INTO_EVENTS}
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, ${SCHEMA_VERSION}, value ->> 4 & ${STORED_CODEC}, value ->> 5,
         CASE WHEN value ->> 4 & ${CODEC_MADE_ID} THEN unhex(value ->> 6, '-') ELSE value ->> 6 END,
         CASE WHEN value ->> 4 & ${CODEC_BYTES} THEN unhex(value ->> 7) ELSE value ->> 7 END, value ->> 8, value ->> 9
  FROM jsonb_each(?1)`;

async function putEvents(
  connection: SQLiteConnection,
  events: readonly CopiedEvent[],
  checksums: boolean,
): Promise<void> {
  if (events.length === 0) return;
  const streamIds = [...new Set(events.map(({ streamId }) => streamId))];
  const typeNames = [...new Set(events.map(({ event }) => event.type))];
  const { heads, types } = await readNumbers(connection, streamIds, typeNames);
  const newStreams = streamIds.filter((streamId) => !heads.has(streamId));
  const newTypes = typeNames.filter((type) => !types.has(type));
  const numbers = {
    streams: new Map([...heads, ...(newStreams.length > 0 ? await insertStreams(connection, newStreams) : [])]),
    types: new Map([...types, ...(newTypes.length > 0 ? await insertTypes(connection, newTypes) : [])]),
    checksums,
  };
  await connection.run(PUT_EVENTS, [copiedRows(events, numbers)]);
}

const FIND_STREAM = "SELECT id FROM es_streams WHERE name = ?1";

/** The first version that may be left after a step: not all events go at once. */
const STEP_END = `
  SELECT version FROM es_events WHERE stream = ?1 AND version < ?2 ORDER BY version LIMIT 1 OFFSET ${REMOVAL_STEP_EVENTS}`;

const RAISE_FIRST = "UPDATE es_streams SET first = ?2 WHERE id = ?1";
const DELETE_EVENTS = "DELETE FROM es_events WHERE stream = ?1 AND version < ?2";

async function raiseFirst(connection: SQLiteConnection, { streamId, firstVersion }: PrunedStream): Promise<void> {
  const [stream] = await connection.all<{ id: number }>(FIND_STREAM, [streamId]);
  if (stream === undefined) return;
  const [step] = await connection.all<{ version: number }>(STEP_END, [stream.id, firstVersion]);
  const first = step?.version ?? firstVersion;
  await connection.run(RAISE_FIRST, [stream.id, first]);
  await connection.run(DELETE_EVENTS, [stream.id, first]);
}

const REMOVE_KEYS = `
  DELETE FROM es_keys WHERE (stream, key) IN (
    SELECT s.id, r.value ->> 1 FROM json_each(?1) AS r JOIN es_streams AS s ON s.name = r.value ->> 0)`;

const PUT_KEYS = `
  INSERT OR REPLACE INTO es_keys (stream, key, version, position)
  SELECT s.id, r.value ->> 1, r.value ->> 2, r.value ->> 3 FROM json_each(?1) AS r JOIN es_streams AS s ON s.name = r.value ->> 0`;

const REMOVE_SNAPSHOT = "DELETE FROM es_snapshots WHERE stream = ?1 AND projection = ?2 AND version = ?3";

const REMOVE_RECORDS = `
  DELETE FROM es_records WHERE (space, key) IN (SELECT r.value ->> 0, r.value ->> 1 FROM json_each(?1) AS r)`;

const PUT_RECORDS = `
  INSERT INTO es_records (space, key, revision, value)
  SELECT r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3 FROM json_each(?1) AS r WHERE true
  ON CONFLICT (space, key) DO UPDATE SET revision = excluded.revision, value = excluded.value`;

const READ_REVISION = "SELECT value FROM es_counters WHERE name = 'revision'";
const SET_REVISION = "UPDATE es_counters SET value = ?1 WHERE name = 'revision'";

/**
 * Each record that is stored sets the counter of revisions to its own, which is put right here: it is never below one that a
 * record has, also in a copy that ends before its last batch. The revision of a copy's note means nothing.
 */
async function putRecords(
  connection: SQLiteConnection,
  records: readonly CopiedRecord[],
  lastRevision: number,
): Promise<void> {
  const [counter] = await connection.all<{ value: number }>(READ_REVISION);
  await runForRows(connection, PUT_RECORDS, records, ({ space, key, revision, value }) => [
    space,
    key,
    revision,
    value,
  ]);
  const put = records.filter(({ space }) => space !== COPY_SPACE).map(({ revision }) => revision);
  await connection.run(SET_REVISION, [Math.max(counter?.value ?? 0, lastRevision, ...put)]);
}

const SET_COUNTER = `
  UPDATE sqlite_sequence SET seq = max(?1, coalesce((SELECT max(position) FROM es_events), 0)) WHERE name = 'es_events'`;

// What has no event, and belongs to no removed one, was skipped in the source, or was removed there before it was copied.
const SET_SKIPPED = `
  UPDATE es_counters SET value = (SELECT seq FROM sqlite_sequence WHERE name = 'es_events')
    - (SELECT count(*) FROM es_events) - (SELECT coalesce(sum(first - 1), 0) FROM es_streams)
  WHERE name = 'skipped'`;

// Positions may have gaps from the first removal on.
const NOTE_REMOVAL = `
  UPDATE es_counters SET value = max(value, 1) WHERE name = 'removal'
    AND (EXISTS (SELECT 1 FROM es_counters WHERE name = 'skipped' AND value > 0)
      OR EXISTS (SELECT 1 FROM es_streams WHERE first > 1))`;

async function setPositions(connection: SQLiteConnection, givenPosition: number): Promise<void> {
  await connection.run(SET_COUNTER, [givenPosition]);
  await connection.run(SET_SKIPPED);
  await connection.run(NOTE_REMOVAL);
}
