import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import {
  ConnectionFactory,
  checkDocument,
  createDocument,
  DatabaseConfig,
  deleteDocument,
  loadDocument,
  SqliteEventGateway,
  undo,
} from "../../../examples/wiretuner/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { makeEvent, makeEvents, openDocument } from "./support/documents.js";

test("what was persisted is read back equal, with every field of its envelope and its own", async () => {
  await using opened = await openDocument();
  const gateway = new SqliteEventGateway(opened);
  const envelope = {
    documentId: opened.documentId,
    userId: "local-user",
    sessionId: randomUUID(),
    undoGroupId: randomUUID(),
  };
  const first = makeEvent(0);
  const second = makeEvent(1, {
    ...envelope,
    samplingIntervalMs: 50,
    nested: { list: [1, null, "ü"] },
    type: "x",
    data: [],
  });
  await gateway.persistEvent(first);
  await gateway.persistEvent(second);
  const third = makeEvent(2, { note: undefined });
  await gateway.persistEvent(third);
  expect(await gateway.getEvents({ fromSequence: 0 })).toEqual([first, second, third]);
});

test("a range has both of its ends, and ends where the events do", async () => {
  await using opened = await openDocument();
  const gateway = new SqliteEventGateway(opened);
  expect(await gateway.getLatestSequenceNumber()).toBe(-1);
  expect(await gateway.getEvents({ fromSequence: 0 })).toEqual([]);
  await gateway.persistEventBatch([]);
  await gateway.persistEventBatch(makeEvents(10));
  expect(await gateway.getLatestSequenceNumber()).toBe(9);
  const sequences = async (range: { fromSequence: number; toSequence?: number }) =>
    (await gateway.getEvents(range)).map((event) => event.sequenceNumber);
  expect(await sequences({ fromSequence: 3, toSequence: 5 })).toEqual([3, 4, 5]);
  expect(await sequences({ fromSequence: 8, toSequence: 99 })).toEqual([8, 9]);
  for (const toSequence of [Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY]) {
    expect(await sequences({ fromSequence: 8, toSequence })).toEqual([8, 9]);
  }
  expect(await sequences({ fromSequence: 10 })).toEqual([]);
  expect(await sequences({ fromSequence: 5, toSequence: 4 })).toEqual([]);
});

test("a sequence that is taken is refused in the words of the seed, the very same event included", async () => {
  await using opened = await openDocument({ documentId: "doc-123" });
  const gateway = new SqliteEventGateway(opened);
  const events = makeEvents(43);
  await gateway.persistEventBatch(events);
  const message = [
    'Event sequence 42 already exists for document "doc-123".',
    "This indicates a concurrency issue or duplicate event submission.",
  ].join("\n");
  await expect(gateway.persistEvent(makeEvent(42))).rejects.toThrow(message);
  await expect(gateway.persistEvent(events[42] ?? makeEvent(42))).rejects.toThrow(message);
  expect(await gateway.getEvents({ fromSequence: 0 })).toEqual(events);
});

test("a document that was not created, or that was deleted, takes no event", async () => {
  await using opened = await openDocument({ documentId: "doc-123" });
  const message = (documentId: string) =>
    [
      `Document "${documentId}" does not exist in the metadata table.`,
      "Ensure the document is created before persisting events.",
    ].join("\n");
  const other = new SqliteEventGateway({ db: opened.db, documentId: "doc-4" });
  await expect(other.persistEvent(makeEvent(0))).rejects.toThrow(message("doc-4"));
  const gateway = new SqliteEventGateway(opened);
  await gateway.persistEvent(makeEvent(0));
  await deleteDocument(opened.db, "doc-123");
  await expect(gateway.persistEvent(makeEvent(1))).rejects.toThrow(message("doc-123"));
  await expect(loadDocument(opened.db, "doc-123")).rejects.toThrow(message("doc-123"));
  expect(await gateway.getEvents({ fromSequence: 0 })).toEqual([]);
  expect(await gateway.getLatestSequenceNumber()).toBe(-1);
  const again = createDocument(opened.db, { documentId: "doc-123", title: "Again" });
  await expect(again).rejects.toMatchObject({ code: "DOCUMENT_EXISTS" });
  await deleteDocument(opened.db, "doc-4");
});

test("a gap is refused, and says which sequence is the next one", async () => {
  await using opened = await openDocument({ documentId: "doc-123" });
  const gateway = new SqliteEventGateway(opened);
  await gateway.persistEvent(makeEvent(0));
  await expect(gateway.persistEvent(makeEvent(2))).rejects.toThrow(
    'Event sequence 2 does not follow the events of document "doc-123": the next one is 1.',
  );
  const batch = [makeEvent(1), makeEvent(3)];
  await expect(gateway.persistEventBatch(batch)).rejects.toMatchObject({ code: "SEQUENCE_GAP" });
  expect(await gateway.getLatestSequenceNumber()).toBe(0);
});

test.each([
  ["without an eventId", { eventId: "" }, "INVALID_EVENT"],
  ["without an eventType", { eventType: undefined as never }, "INVALID_EVENT"],
  ["with a negative timestamp", { timestamp: -1 }, "INVALID_EVENT"],
  ["with a negative sequence", { sequenceNumber: -1 }, "INVALID_EVENT"],
  ["of another document", { documentId: "doc-9" }, "INVALID_EVENT"],
  ["with a value that JSON has not", { x: Number.NaN }, "INVALID_EVENT"],
  ["with a sequence that the batch has already", { sequenceNumber: 1 }, "DUPLICATE_SEQUENCE"],
] as const)("a batch with one event %s is refused as a whole", async (_, fields, code) => {
  await using opened = await openDocument();
  const gateway = new SqliteEventGateway(opened);
  const batch = [makeEvent(0), makeEvent(1), makeEvent(2, fields), makeEvent(3)];
  await expect(gateway.persistEventBatch(batch)).rejects.toMatchObject({ code });
  expect(await gateway.getEvents({ fromSequence: 0 })).toEqual([]);
});

test("what is no event, no batch or no sequence is refused, and nothing is persisted or pruned", async () => {
  await using opened = await openDocument();
  const gateway = new SqliteEventGateway(opened);
  await expect(gateway.persistEvent(undefined as never)).rejects.toThrow("it is no object. Nothing was persisted.");
  await expect(gateway.persistEventBatch(5 as never)).rejects.toThrow(new TypeError("events must be an array, got 5."));
  const created = makeEvent(0, { eventType: "DocumentCreated", title: "Again", formatVersion: 1 });
  await expect(gateway.persistEvent(created)).rejects.toThrow("createDocument alone creates a document");
  expect(await gateway.getLatestSequenceNumber()).toBe(-1);
  await gateway.persistEventBatch(makeEvents(20));
  for (const sequence of ["1", Number.NaN, 1.5, null] as never[]) {
    const refused = "must be a whole number, got ";
    await expect(gateway.getEvents({ fromSequence: sequence })).rejects.toThrow(`fromSequence ${refused}`);
    const range = { fromSequence: 0, toSequence: sequence };
    await expect(gateway.getEvents(range)).rejects.toThrow(`toSequence ${refused}`);
    await expect(gateway.pruneEventsBeforeSequence(sequence)).rejects.toThrow(`sequenceNumber ${refused}`);
  }
  expect(await gateway.getEvents({ fromSequence: 0 })).toHaveLength(20);
});

test.each([undefined, null, 5] as never[])("%j is no argument of a call, which says so", async (given) => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const gateway = new SqliteEventGateway(opened);
  const refusal = new TypeError(`options must be an object, got ${given}.`);
  expect(() => new SqliteEventGateway(given)).toThrow(refusal);
  expect(() => DatabaseConfig.file(given)).toThrow(refusal);
  const factory = new ConnectionFactory();
  await factory.initialize();
  await expect(factory.openConnection(given)).rejects.toThrow(refusal);
  await expect(createDocument(db, given)).rejects.toThrow("document must be an object, got ");
  await expect(gateway.getEvents(given)).rejects.toThrow("range must be an object, got ");
  await expect(checkDocument(db, given)).rejects.toThrow("documentId must be a text.");
  expect(() => new SqliteEventGateway({ db, documentId: given })).toThrow("documentId must be a text.");
  expect(() => new SqliteEventGateway({ db: given, documentId })).toThrow("db must be an object, got ");
  if (given === undefined) return;
  expect(() => new ConnectionFactory(given)).toThrow(refusal);
  await expect(loadDocument(db, documentId, given)).rejects.toThrow(refusal);
});

test("of writers that race for one sequence, one wins", async () => {
  await using opened = await openDocument();
  const gateways = Array.from({ length: 8 }, () => new SqliteEventGateway(opened));
  const results = await Promise.allSettled(gateways.map((gateway) => gateway.persistEvent(makeEvent(0))));
  expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await gateways[0]?.getLatestSequenceNumber()).toBe(0);
});

test("pruning removes the events below a sequence, and the document stays what it was", async () => {
  await using opened = await openDocument();
  const gateway = new SqliteEventGateway(opened);
  await gateway.persistEventBatch(makeEvents(20));
  const { document } = await loadDocument(opened.db, opened.documentId);
  await gateway.pruneEventsBeforeSequence(15);
  const left = await gateway.getEvents({ fromSequence: 0 });
  expect(left.map((event) => event.sequenceNumber)).toEqual([15, 16, 17, 18, 19]);
  expect(await loadDocument(opened.db, opened.documentId)).toEqual({ document, latestSequence: 19, replayedEvents: 5 });
  for (const goneAlready of [0, 3, 15]) await gateway.pruneEventsBeforeSequence(goneAlready);
  expect(await gateway.getEvents({ fromSequence: 0 })).toEqual(left);
  await gateway.pruneEventsBeforeSequence(100);
  expect(await gateway.getLatestSequenceNumber()).toBe(19);
  await gateway.persistEvent(makeEvent(20));
  expect((await loadDocument(opened.db, opened.documentId)).document.paths).toHaveLength(21);
});

test("pruning right after many events holds, and the checklist and undo know of it", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const gateway = new SqliteEventGateway(opened);
  const moves = Array.from({ length: 2_999 }, (_, x) =>
    makeEvent(x + 1, { eventType: "MoveObjectEvent", pathId: "path-0", x, y: 0, undoGroupId: "drag" }),
  );
  const anchored = { eventType: "AddAnchorEvent", pathId: "path-0", index: 0, anchor: { x: -1, y: 0 } };
  await gateway.persistEventBatch([makeEvent(0), ...moves.with(0, makeEvent(1, anchored))]);
  const { document } = await loadDocument(db, documentId);
  await gateway.pruneEventsBeforeSequence(1_500);
  expect((await gateway.getEvents({ fromSequence: 0 }))[0]?.sequenceNumber).toBe(1_500);
  expect((await checkDocument(db, documentId)).filter(({ ok }) => !ok)).toEqual([]);
  expect(await undo(db, documentId)).toBeNull();
  expect((await loadDocument(db, documentId)).document).toEqual(document);
  await gateway.persistEvent(
    makeEvent(3_000, { eventType: "MoveObjectEvent", pathId: "path-0", x: 7, y: 7, undoGroupId: "later" }),
  );
  expect(await undo(db, documentId)).toBe("later");
  expect((await loadDocument(db, documentId)).document).toEqual(document);
});

test("a document that is closed and opened again is the same", async () => {
  await using folder = await createTempDir();
  const filePath = folder.file("a.wiretuner");
  const events = makeEvents(5);
  const opened = await openDocument({ filePath });
  await new SqliteEventGateway(opened).persistEventBatch(events);
  await opened.factory.closeAll();
  const factory = new ConnectionFactory();
  await factory.initialize();
  const { documentId } = opened;
  const db = await factory.openConnection({ documentId, config: DatabaseConfig.file({ filePath }) });
  expect(await new SqliteEventGateway({ db, documentId }).getEvents({ fromSequence: 0 })).toEqual(events);
  await factory.closeAll();
});
