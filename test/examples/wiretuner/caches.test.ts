import { inflateSync } from "node:zlib";
import { rawSQL } from "async-streams";
import { dropProjection, whenProcessed } from "async-streams/projections";
import { expect, test } from "vitest";
import { runCaches } from "../../../examples/wiretuner/caches.js";
import { deleteDocument, loadDocument, SqliteEventGateway, undo } from "../../../examples/wiretuner/index.js";
import { readRenderedPath } from "../../../examples/wiretuner/rendered-paths.js";
import { hitTest } from "../../../examples/wiretuner/spatial-index.js";
import { tessellate } from "../../../examples/wiretuner/tessellate.js";
import { readThumbnail } from "../../../examples/wiretuner/thumbnails.js";
import type { VectorDocument } from "../../../examples/wiretuner/vector-document.js";
import { type Database, makeEvent, openDocument } from "./support/documents.js";

const style = { fill: "#ff0000", stroke: "#000000", strokeWidth: 1 };

/** Numbers that are the same in every run. */
function makeRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Anchors around a place of their own, as those of a path are. */
function scattered(count: number, random: () => number): { x: number; y: number }[] {
  const [left, top] = [random() * 950, random() * 950];
  return Array.from({ length: count }, () => ({ x: left + random() * 50, y: top + random() * 50 }));
}

async function openWithCaches() {
  const opened = await openDocument();
  const runner = await runCaches(opened.db);
  return { ...opened, runner };
}

async function caughtUp(db: Database): Promise<void> {
  const stream = await db.openStream("@all");
  await whenProcessed(db, "caches", stream.version, { timeoutMs: 50_000 });
}

/** Draws paths of a number of anchors each, with straight lines. */
async function draw(db: Database, documentId: string, paths: number, anchors: number): Promise<void> {
  const random = makeRandom(paths * anchors);
  const gateway = new SqliteEventGateway({ db, documentId });
  const restored = Array.from({ length: paths }, (_, index) => ({
    pathId: `path-${index}`,
    index,
    path: {
      pathId: `path-${index}`,
      style,
      closed: false,
      anchors: scattered(anchors, random),
    },
  }));
  const created = restored.map(({ pathId }, index) => makeEvent(index, { pathId, style, undoGroupId: "all" }));
  await gateway.persistEventBatch(created);
  await undo(db, documentId);
  // As a redo brings it back, a path comes in one event.
  const redone = makeEvent(paths + 1, { eventType: "RedoEvent", groupId: "all", paths: restored });
  await gateway.persistEvent(redone);
}

function bruteForce({ paths }: VectorDocument, x: number, y: number, radius: number): string[] {
  const near = paths.flatMap(({ pathId, anchors }) =>
    anchors.flatMap((anchor, index) =>
      (anchor.x - x) ** 2 + (anchor.y - y) ** 2 <= radius ** 2 ? [`${pathId}/${index}`] : [],
    ),
  );
  return near.sort();
}

async function hits(db: Database, documentId: string, x: number, y: number, radius: number): Promise<string[]> {
  const found = await hitTest(db, documentId, { x, y, radius });
  return found.map(({ pathId, anchor }) => `${pathId}/${anchor}`).sort();
}

test("a hit test among 100,000 anchors finds what a search of all of them finds", async () => {
  await using opened = await openWithCaches();
  const { db, documentId } = opened;
  await draw(db, documentId, 100, 1_000);
  await caughtUp(db);
  const { document } = await loadDocument(db, documentId);
  const random = makeRandom(1);
  let found = 0;
  for (let round = 0; round < 30; round += 1) {
    const [x, y, radius] = [random() * 1_000, random() * 1_000, 1 + random() * 20];
    const expected = bruteForce(document, x, y, radius);
    expect(await hits(db, documentId, x, y, radius)).toEqual(expected);
    found += expected.length;
  }
  expect(found).toBeGreaterThan(30);
  const plan = await db.query<{ detail: string }>(
    rawSQL("EXPLAIN QUERY PLAN SELECT * FROM spatial_index_cache WHERE max_x >= 1 AND min_x <= 2 AND max_y >= 1"),
  );
  // The letters are the constraints that the R*Tree gets itself.
  expect(plan.map(({ detail }) => detail).join()).toMatch(/VIRTUAL TABLE INDEX 2:D.*B.*D/);
});

test("a path that has grown anchor by anchor is cached", async () => {
  await using opened = await openDocument();
  const { db, documentId } = opened;
  const anchors = scattered(5_000, makeRandom(3));
  const fields = anchors.map((anchor, index) => ({ eventType: "AddAnchorEvent", pathId: "path-0", index, anchor }));
  const gateway = new SqliteEventGateway(opened);
  await gateway.persistEvent(makeEvent(0, { pathId: "path-0", style }));
  await gateway.persistEventBatch(fields.map((field, index) => makeEvent(index + 1, field)));
  await using _runner = await runCaches(db);
  await caughtUp(db);
  expect(await hits(db, documentId, 500, 500, 2_000)).toHaveLength(5_000);
  expect(await readRenderedPath(db, documentId, "path-0")).toHaveLength(10_000);
});

test("a path whose id no database can keep is left out, and keeps no other path from being cached", async () => {
  await using opened = await openWithCaches();
  const { db, documentId } = opened;
  const gateway = new SqliteEventGateway(opened);
  const pathId = "half of a pair: \ud800";
  const path = { pathId, style, closed: false, anchors: [{ x: 1, y: 1 }] };
  const restored = { groupId: "all", paths: [{ pathId, index: 0, path }] };
  await gateway.persistEvent(makeEvent(0, { pathId, style }));
  await gateway.persistEvent(makeEvent(1, { eventType: "RedoEvent", ...restored }));
  await gateway.persistEvent(makeEvent(2, { pathId: "path-2", style }));
  await caughtUp(db);
  expect(await readRenderedPath(db, documentId, "path-2")).toHaveLength(0);
  const { document } = await loadDocument(db, documentId);
  expect(document.paths.map((each) => each.pathId)).toEqual(["path-2"]);
});

test("caches follow moves, deletions and undo, and are the same when they are built again", async () => {
  await using opened = await openWithCaches();
  const { db, documentId, runner } = opened;
  await draw(db, documentId, 3, 5);
  const gateway = new SqliteEventGateway(opened);
  await gateway.persistEvent(makeEvent(5, { eventType: "MoveObjectEvent", pathId: "path-0", x: -5, y: -5 }));
  await gateway.persistEvent(makeEvent(6, { eventType: "DeleteObjectEvent", pathId: "path-1" }));
  await caughtUp(db);
  expect(await hits(db, documentId, -5, -5, 0.1)).toEqual(["path-0/0"]);
  expect(await hits(db, documentId, 500, 500, 2_000)).toHaveLength(10);
  expect(await readRenderedPath(db, documentId, "path-1")).toBeNull();
  await undo(db, documentId);
  await caughtUp(db);

  const look = async () => {
    const { document } = await loadDocument(db, documentId);
    for (const path of document.paths) {
      expect(await readRenderedPath(db, documentId, path.pathId)).toEqual(tessellate(path));
    }
    const all = await hits(db, documentId, 500, 500, 2_000);
    expect(all).toEqual(bruteForce(document, 500, 500, 2_000));
    return { all, thumbnail: await readThumbnail(db, documentId) };
  };
  const before = await look();
  expect(before.all).toHaveLength(15);
  await runner.rebuild("caches");
  expect(await look()).toEqual(before);
  await runner[Symbol.asyncDispose]();
  expect(await dropProjection(db, "caches")).toBe(true);
  await expect(readThumbnail(db, documentId)).rejects.toThrow("no such table");
  await using _again = await runCaches(db);
  await caughtUp(db);
  expect(await look()).toEqual(before);
});

test("caches have what the document has after events that another program made up", async () => {
  await using opened = await openWithCaches();
  const { db, documentId } = opened;
  const path = { pathId: "b", style, anchors: [{ x: 7, y: 8 }], closed: true };
  const made = { groupId: "no group", paths: [{ pathId: "b", index: 0, path }] };
  await new SqliteEventGateway(opened).persistEventBatch([
    makeEvent(0, { pathId: "a", style, paths: [] }),
    makeEvent(1, { eventType: "AddAnchorEvent", pathId: "a", index: 0, anchor: { x: 1, y: 2 } }),
    makeEvent(2, { eventType: "UndoEvent", ...made }),
    makeEvent(3, { eventType: "UndoEvent", groupId: "no group", paths: [{ pathId: "c", index: 0, path: 5 }] }),
  ]);
  await caughtUp(db);
  const { document } = await loadDocument(db, documentId);
  expect(await hits(db, documentId, 0, 0, 100)).toEqual(["a/0", "b/0"]);
  expect(bruteForce(document, 0, 0, 100)).toEqual(["a/0", "b/0"]);
});

test("a deleted document leaves nothing in the caches", async () => {
  await using opened = await openWithCaches();
  const { db, documentId } = opened;
  await draw(db, documentId, 2, 3);
  await caughtUp(db);
  await deleteDocument(db, documentId);
  await caughtUp(db);
  expect(await hits(db, documentId, 500, 500, 2_000)).toEqual([]);
  expect(await readThumbnail(db, documentId)).toBeNull();
  expect(await readRenderedPath(db, documentId, "path-0")).toBeNull();
});

test("a thumbnail is a PNG with the colors of the document", async () => {
  await using opened = await openWithCaches();
  const { db, documentId } = opened;
  const square = [
    [0, 0],
    [0, 100],
    [100, 100],
    [100, 0],
  ].map(([x = 0, y = 0], index) =>
    makeEvent(index + 1, { eventType: "AddAnchorEvent", pathId: "path-0", index, anchor: { x, y } }),
  );
  await new SqliteEventGateway(opened).persistEventBatch([makeEvent(0, { style }), ...square]);
  await caughtUp(db);
  const png = Buffer.from((await readThumbnail(db, documentId)) ?? []);
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  expect([width, height]).toEqual([160, 120]);
  const dataBytes = png.readUInt32BE(33);
  const rows = inflateSync(png.subarray(41, 41 + dataBytes));
  const pixel = (x: number, y: number) => [...rows.subarray(y * (width * 3 + 1) + 1 + x * 3).subarray(0, 3)];
  expect(pixel(50, 50)).toEqual([255, 0, 0]);
  expect(pixel(150, 50)).toEqual([255, 255, 255]);
});

test("a curve becomes lines that begin and end at its anchors", () => {
  const anchors = [
    { x: 0, y: 0, out: [0, 10] as const },
    { x: 10, y: 0, in: [10, 10] as const },
  ];
  const vertices = tessellate({ pathId: "a", style, closed: true, anchors });
  expect(vertices).toHaveLength(2 * (1 + 16 + 1));
  expect([...vertices.slice(0, 2)]).toEqual([0, 0]);
  expect([...vertices.slice(16, 18)]).toEqual([5, 7.5]);
  expect([...vertices.slice(32)]).toEqual([10, 0, 0, 0]);
  expect(tessellate({ pathId: "a", style, closed: true, anchors: [] })).toHaveLength(0);
});
