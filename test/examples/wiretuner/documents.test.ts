import { randomUUID } from "node:crypto";
import { sql, sqliteStreamFactory } from "async-streams";
import { typed } from "async-streams/events";
import { from, lastValueFrom, tap } from "rxjs";
import { expect, test } from "vitest";
import { EDITOR_EVENTS } from "../../../examples/wiretuner/editor-events.js";
import {
  ConnectionFactory,
  createDocument,
  DatabaseConfig,
  deleteDocument,
  EventRecorder,
  loadDocument,
  MigrationRunner,
  SqliteEventGateway,
  undo,
  validateEnvelope,
} from "../../../examples/wiretuner/index.js";
import { readMetadata } from "../../../examples/wiretuner/metadata.js";
import { MIGRATIONS } from "../../../examples/wiretuner/migrations.js";
import { endSession, startSession } from "../../../examples/wiretuner/sessions.js";
import { watchDocument } from "../../../examples/wiretuner/watch-document.js";
import { createTempDir } from "../../support/temp-dir.js";
import { makeEvent, makeEvents, openDocument } from "./support/documents.js";

test("a document has a row in the metadata table, which follows its title and its last event", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const created = await readMetadata(db, documentId);
  expect(created).toMatchObject({ documentId, title: "Sketch", formatVersion: MigrationRunner.currentVersion });
  await new SqliteEventGateway(opened).persistEvent(
    makeEvent(0, { eventType: "RenameDocumentEvent", title: "Poster" }),
  );
  const renamed = await readMetadata(db, documentId);
  expect(renamed).toMatchObject({ title: "Poster", createdAt: created?.createdAt });
  expect(renamed?.modifiedAt.getTime()).toBeGreaterThanOrEqual(created?.modifiedAt.getTime() ?? Number.NaN);
  expect((await loadDocument(db, documentId)).document.title).toBe("Poster");
});

test("who watches a document is told that there is none, or none any more", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const missing = { code: "DOCUMENT_MISSING" };
  await expect(lastValueFrom(watchDocument(db, randomUUID()))).rejects.toMatchObject(missing);

  const seen: number[] = [];
  const watched = lastValueFrom(watchDocument(db, documentId).pipe(tap((now) => seen.push(now.latestSequence))));
  watched.catch(() => undefined);
  await expect.poll(() => seen).toEqual([-1]);
  await new SqliteEventGateway(opened).persistEvent(makeEvent(0));
  await expect.poll(() => seen).toEqual([-1, 0]);
  await deleteDocument(db, documentId);
  await expect(watched).rejects.toMatchObject(missing);
  expect(seen).toEqual([-1, 0]);
  await expect(lastValueFrom(watchDocument(db, documentId))).rejects.toMatchObject(missing);
});

test("a document is created once", async () => {
  await using opened = await openDocument();
  const again = createDocument(opened.db, { documentId: opened.documentId, title: "Again" });
  await expect(again).rejects.toMatchObject({ code: "DOCUMENT_EXISTS" });
});

test("a title that is no text is refused at the creation, and changes neither the row nor the document later", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  await expect(createDocument(db, { documentId: "doc-2", title: 5 as never })).rejects.toThrow("title must be a text");
  await expect(createDocument(db, { documentId: "", title: "x" })).rejects.toThrow("documentId must be a text");
  await new SqliteEventGateway(opened).persistEvent(makeEvent(0, { eventType: "RenameDocumentEvent", title: 5 }));
  expect((await readMetadata(db, documentId))?.title).toBe("Sketch");
  expect((await loadDocument(db, documentId)).document.title).toBe("Sketch");
});

test("deleting a document removes its row, its events, its snapshots and its sessions, and nothing of another", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  await createDocument(db, { documentId: "other", title: "Other" });
  await new SqliteEventGateway(opened).persistEventBatch(makeEvents(1_100));
  await new SqliteEventGateway({ db, documentId: "other" }).persistEventBatch(makeEvents(1_100));
  await endSession(db, await startSession(db, documentId));
  await startSession(db, documentId);
  await startSession(db, "other");
  await deleteDocument(db, documentId);
  await deleteDocument(db, documentId);
  expect(await readMetadata(db, documentId)).toBeNull();
  expect(await db.query(sql`SELECT document_id FROM metadata`)).toEqual([{ document_id: "other" }]);
  expect(await db.query(sql`SELECT document_id FROM sessions`)).toEqual([{ document_id: "other" }]);
  expect(await db.query(sql`SELECT DISTINCT stream FROM es_snapshots`)).toEqual([{ stream: "document/other" }]);
  expect(await db.describeStream(`document/${documentId}`)).toMatchObject({ deleted: true, eventCount: 1 });
  expect((await loadDocument(db, "other")).latestSequence).toBe(1_099);
});

test("a session begins in a document that is there, and in no other", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const missing = { code: "DOCUMENT_MISSING" };
  await expect(startSession(db, randomUUID())).rejects.toMatchObject(missing);
  await deleteDocument(db, documentId);
  await expect(startSession(db, documentId)).rejects.toMatchObject(missing);
  expect(await db.query(sql`SELECT document_id FROM sessions`)).toEqual([]);
});

test("a file of version 1 is brought to version 2 when it is opened, and keeps what it had", async () => {
  await using folder = await createTempDir();
  const filePath = folder.file("old.wiretuner");
  const old = await sqliteStreamFactory(filePath);
  expect(await new MigrationRunner(MIGRATIONS.slice(0, 1)).run(old)).toEqual(["0001_base_schema"]);
  const insert = sql`INSERT INTO sessions (session_id, document_id, started_at) VALUES (${"s-1"}, ${"doc-1"}, ${7})`;
  await old.transaction((tx) => tx.sql.run(insert));
  await old[Symbol.asyncDispose]();

  const factory = new ConnectionFactory();
  await factory.initialize();
  const db = await factory.openConnection({ documentId: "doc-1", config: DatabaseConfig.file({ filePath }) });
  expect(await db.query(sql`SELECT * FROM sessions`)).toEqual([
    { session_id: "s-1", document_id: "doc-1", user_id: "local-user", started_at: 7, ended_at: null },
  ]);
  expect(await new MigrationRunner().run(db)).toEqual([]);
  await expect(new MigrationRunner(MIGRATIONS.slice(0, 1)).run(db)).rejects.toMatchObject({
    code: "MIGRATION_MISSING",
  });
  await factory.closeAll();
});

test("a recorder gives events the envelope, and sequences that follow each other", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const session = await startSession(db, documentId);
  const gateway = new SqliteEventGateway({ db: typed(db, EDITOR_EVENTS), documentId });
  const recorder = new EventRecorder({ gateway, ...session });
  const zoom = { eventType: "ViewportZoomEvent", fields: { zoom: 2 } };
  await Promise.all([recorder.record([zoom, zoom]), recorder.record([zoom])]);
  await endSession(db, session);
  const events = await gateway.getEvents({ fromSequence: 0 });
  expect(events.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2]);
  expect(events.flatMap(validateEnvelope)).toEqual([]);
  const envelope = { documentId, userId: "local-user", sessionId: session.sessionId, samplingIntervalMs: 50 };
  for (const event of events) expect(event).toMatchObject(envelope);
});

test("a recorder that follows a pointer records what sampling leaves, in order", async () => {
  await using opened = await openDocument();
  const gateway = new SqliteEventGateway(opened);
  const recorder = new EventRecorder({ gateway, documentId: opened.documentId, userId: randomUUID() });
  const moves = Array.from({ length: 30 }, (_, x) => ({
    eventType: "MoveObjectEvent",
    undoGroupId: "drag",
    fields: { pathId: "a", x, y: 0 },
  }));
  await recorder.follow(from([...moves, { eventType: "DeleteObjectEvent", fields: { pathId: "a" } }]));
  const events = await gateway.getEvents({ fromSequence: 0 });
  expect(events.map(({ eventType, x }) => [eventType, x])).toEqual([
    ["MoveObjectEvent", 0],
    ["MoveObjectEvent", 29],
    ["DeleteObjectEvent", undefined],
  ]);
  expect(events[0]).toMatchObject({ undoGroupId: "drag", samplingIntervalMs: 50 });
  expect(events[2]).not.toHaveProperty("samplingIntervalMs");
});

test("a recorder whose event was refused goes on with the next one", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const gateway = new SqliteEventGateway({ db: typed(db, EDITOR_EVENTS), documentId });
  const recorder = new EventRecorder({ gateway, documentId });
  const refused = recorder.record([{ eventType: "ExplodeEvent", fields: {} }]);
  const recorded = recorder.record([{ eventType: "ViewportZoomEvent", fields: { zoom: 2 } }]);
  await expect(refused).rejects.toMatchObject({ code: "INVALID_EVENT" });
  await recorded;
  expect(await gateway.getLatestSequenceNumber()).toBe(0);
});

test("a recorder goes on after an undo, which writes too", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const recorder = new EventRecorder({ gateway: new SqliteEventGateway(opened), documentId });
  const create = (pathId: string) => ({ eventType: "CreatePathEvent", undoGroupId: pathId, fields: { pathId } });
  await recorder.record([create("a"), create("b")]);
  expect(await undo(db, documentId)).toBe("b");
  await recorder.record([create("c")]);
  const { document, latestSequence } = await loadDocument(db, documentId);
  expect(document.paths.map(({ pathId }) => pathId)).toEqual(["a", "c"]);
  expect(latestSequence).toBe(3);
});

test("the catalogue refuses an event that the editor does not have, or with fields that it does not have", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const gateway = new SqliteEventGateway({ db: typed(db, EDITOR_EVENTS), documentId });
  const refused = [
    makeEvent(0, { eventType: "ExplodeEvent" }),
    makeEvent(0, { eventType: "MoveObjectEvent", x: "left", y: 0 }),
    makeEvent(0, { eventType: "ViewportZoomEvent", zoom: 1 }),
  ];
  for (const event of refused)
    await expect(gateway.persistEvent(event)).rejects.toMatchObject({ code: "INVALID_EVENT" });
  expect(await gateway.getLatestSequenceNumber()).toBe(-1);
});
