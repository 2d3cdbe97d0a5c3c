import { spawnSync } from "node:child_process";
import { gunzipSync } from "node:zlib";
import { sql } from "async-streams";
import { expect, test } from "vitest";
import { SNAPSHOT_PROJECTION } from "../../../examples/wiretuner/document-fold.js";
import { streamOf } from "../../../examples/wiretuner/document-stream.js";
import { toCandidate } from "../../../examples/wiretuner/flat-event.js";
import { checkDocument, loadDocument, SqliteEventGateway } from "../../../examples/wiretuner/index.js";
import { type Database, makeEvents, openDocument } from "./support/documents.js";

const EVENT_COUNT = 12_000;

interface StoredSnapshot {
  readonly version: number;
  readonly codec: string;
  readonly state: Uint8Array;
}

/** The snapshots as they are in the file, the newest first. */
function storedSnapshots(db: Database): Promise<StoredSnapshot[]> {
  return db.query<StoredSnapshot>(sql`SELECT version, codec, state FROM es_snapshots ORDER BY version DESC`);
}

/** A document whose paths are the last ten of its events, so that it stays small. */
const makeDrawing = (count: number) =>
  makeEvents(count).map((event, index) =>
    index < 10 ? event : { ...event, eventType: "MoveObjectEvent", pathId: `path-${index % 10}`, x: index, y: 0 },
  );

test.each([1_000, 370, EVENT_COUNT])(
  "12,000 events in batches of %i leave 10 snapshots, one every 1,000 events",
  async (batchSize) => {
    await using opened = await openDocument();
    const gateway = new SqliteEventGateway(opened);
    const events = makeDrawing(EVENT_COUNT);
    for (let start = 0; start < EVENT_COUNT; start += batchSize) {
      await gateway.persistEventBatch(events.slice(start, start + batchSize));
    }
    const versions = (await storedSnapshots(opened.db)).map(({ version }) => version);
    expect(versions).toEqual([12_000, 11_000, 10_000, 9_000, 8_000, 7_000, 6_000, 5_000, 4_000, 3_000]);
    const loaded = await loadDocument(opened.db, opened.documentId);
    expect(loaded).toMatchObject({ latestSequence: EVENT_COUNT - 1, replayedEvents: 1 });
  },
);

test("a large batch makes no snapshot that it would remove itself", async () => {
  await using opened = await openDocument();
  const saved: unknown[] = [];
  const spied = new Proxy(opened.db, {
    get: (db, key) =>
      key !== "openStream"
        ? Reflect.get(db, key)
        : async (streamId: string) => {
            const stream = await db.openStream(streamId);
            const { snapshot } = stream;
            return Object.assign(stream, {
              snapshot: (...args: Parameters<typeof snapshot>) => {
                saved.push(args[1]?.version);
                return snapshot.apply(stream, args);
              },
            });
          },
  });
  await new SqliteEventGateway({ ...opened, db: spied }).persistEventBatch(makeDrawing(EVENT_COUNT));
  expect(saved).toEqual(Array.from({ length: 10 }, (_, index) => (index + 3) * 1_000));
});

test("a load takes the newest snapshot at or before a sequence, and equals a replay of all events", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const events = makeDrawing(2_500);
  await new SqliteEventGateway(opened).persistEventBatch(events);
  const at = await loadDocument(db, documentId, { atSequence: 1_499 });
  expect(at).toMatchObject({ latestSequence: 1_499, replayedEvents: 501 });
  await using replayed = await openDocument();
  await new SqliteEventGateway(replayed).persistEventBatch(events.slice(0, 900));
  await new SqliteEventGateway(replayed).persistEventBatch(events.slice(900, 1_500));
  expect((await loadDocument(replayed.db, replayed.documentId)).document).toEqual(at.document);
  for (const atSequence of [null, "1", 0.5] as never[]) {
    const refused = "atSequence must be a whole number, got ";
    await expect(loadDocument(db, documentId, { atSequence })).rejects.toThrow(refused);
  }
  for (const atSequence of [-1, -5]) {
    expect(await loadDocument(db, documentId, { atSequence })).toMatchObject({ latestSequence: -1, replayedEvents: 0 });
  }
  const early = await loadDocument(db, documentId, { atSequence: 899 });
  expect(early).toMatchObject({ latestSequence: 899, replayedEvents: 900 });
});

test.each([1_200, 2_500])(
  "snapshots that a process killed after a batch of %i has not saved are saved by a load, and with the next one",
  async (count) => {
    const events = makeDrawing(4_000);
    const gaps = async ({ db, documentId }: { db: Database; documentId: string }) =>
      (await checkDocument(db, documentId)).filter(({ ok }) => !ok);
    for (const heal of ["load", "write"]) {
      await using opened = await openDocument();
      const { db, documentId } = opened;
      await using stream = await db.openStream(streamOf(documentId));
      await stream.write(events.slice(0, count).map(toCandidate));
      expect(await gaps(opened)).toHaveLength(1);
      if (heal === "load") {
        expect(await loadDocument(db, documentId)).toMatchObject({ replayedEvents: count });
        expect(await gaps(opened)).toEqual([]);
        expect(await loadDocument(db, documentId)).toMatchObject({ replayedEvents: (count % 1_000) + 1 });
      }
      await new SqliteEventGateway(opened).persistEventBatch(events.slice(count, count + 1_000));
      expect(await gaps(opened)).toEqual([]);
    }
  },
);

test("gunzip opens a snapshot", async () => {
  await using opened = await openDocument();
  await new SqliteEventGateway(opened).persistEventBatch(makeEvents(1_000));
  const [snapshot] = await storedSnapshots(opened.db);
  expect(snapshot?.codec).toBe("json+gzip");
  const state = snapshot?.state ?? new Uint8Array();
  const { document } = JSON.parse(gunzipSync(state).toString());
  // One event is behind the snapshot.
  expect(document.paths).toHaveLength(999);
  const program = spawnSync("gunzip", ["-c"], { input: state });
  if (program.error === undefined) expect(JSON.parse(program.stdout.toString()).document).toEqual(document);
});

test("the checklist holds for a document, a row for each of its lines", async () => {
  await using opened = await openDocument();
  await new SqliteEventGateway(opened).persistEventBatch(makeDrawing(3_200));
  const rows = await checkDocument(opened.db, opened.documentId);
  expect(rows).toHaveLength(12);
  expect(rows.filter(({ ok }) => !ok)).toEqual([]);
});

test("the checklist holds where two processes have passed a multiple together, and saved a snapshot each", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  await new SqliteEventGateway(opened).persistEventBatch(makeDrawing(EVENT_COUNT));
  await using stream = await db.openStream(streamOf(documentId));
  const projection = SNAPSHOT_PROJECTION;
  const newest = await stream.loadSnapshot({ projection });
  await stream.snapshot(newest?.state, { version: 12_001, projection, keep: 10 });
  expect((await storedSnapshots(db)).map(({ version }) => version).slice(-1)).toEqual([4_000]);
  expect((await checkDocument(db, documentId)).filter(({ ok }) => !ok)).toEqual([]);
});

test("the checklist says what does not hold", async () => {
  await using opened = await openDocument({ documentId: "doc-123" });
  const [event] = makeEvents(1);
  await new SqliteEventGateway(opened).persistEvent({ ...event, eventType: "not a class" } as never);
  const failed = (await checkDocument(opened.db, "doc-123")).filter(({ ok }) => !ok).map(({ check }) => check);
  expect(failed).toEqual([
    "document_id is a valid UUIDv4 and exists in the metadata table",
    "event_type is the name of an event class",
  ]);
  const missing = (await checkDocument(opened.db, "doc-9")).filter(({ ok }) => !ok);
  expect(missing).toHaveLength(1);
});
