import {
  ALL_STREAM,
  type ContentsBatch,
  type ContentsItems,
  type ContentsKeys,
  type ContentsPart,
  type CopiedEvent,
  type CopyableStorage,
  type StorageHandle,
} from "../../../protocols/index.js";
import { MAX_COPY_PAGE_ITEMS } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { COPYABLE_STORAGE } from "../support/capabilities.js";
import { counted, countedUpTo, keyed, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { append, readAll, readPage } from "../support/storage-calls.js";

/** All items of a part, from behind a key on. */
function itemsOf<Part extends ContentsPart>(
  storage: CopyableStorage,
  part: Part,
  after?: ContentsKeys[Part],
): Promise<ContentsItems[Part][]> {
  return storage.exportContents(async (contents) => {
    const items: ContentsItems[Part][] = [];
    for await (const page of contents.read(part, after)) items.push(...page);
    return items;
  });
}

/** An event at a place. */
function eventAt(
  position: number,
  streamId: string,
  version: number,
  content: Partial<CopiedEvent["event"]> = {},
): CopiedEvent {
  const id = `00000000-0000-7000-8000-${String(position).padStart(12, "0")}`;
  const event = { id, idempotencyKey: null, type: "Counted", data: String(version), metadata: null, ...content };
  return { position, streamId, version, timestampMs: 1_700_000_000_000 + position, event };
}

const putEvents = (after: number, events: readonly CopiedEvent[]): ContentsBatch => ({ after, put: { events } });

export function describeContents(suite: Suite<StorageHandle>): void {
  const { describe, testWith, expect } = suite;
  const test = (name: string, body: (storage: CopyableStorage) => Promise<void>) =>
    testWith(COPYABLE_STORAGE, name, body);

  describe("the contents of a store, where they can be copied", () => {
    test("have every event with its place, its time and its key", async (storage) => {
      await append(storage, "a", [{ ...keyed("k"), metadata: { by: "ü" } }, counted(2)]);
      await append(storage, "b", [{ type: "Bytes", data: new Uint8Array([0, 255]) }]);
      const stored = await readAll(storage, ALL_STREAM);

      const copied = await itemsOf(storage, "events");
      expect(
        copied.map(({ streamId, version, position, timestampMs, event }) => ({
          streamId,
          version,
          position,
          timestamp: new Date(timestampMs),
          id: event.id,
          type: event.type,
          data: typeof event.data === "string" ? JSON.parse(event.data) : event.data,
          metadata: event.metadata === null ? null : JSON.parse(event.metadata),
        })),
      ).toEqual(stored.map((event) => ({ ...event })));
      expect(copied.map(({ event }) => event.idempotencyKey)).toEqual(["k", null, null]);
    });

    test("are read in pages, from behind any event on", async (storage) => {
      await append(storage, "a", countedUpTo(2 * MAX_COPY_PAGE_ITEMS + 1));
      const sizes = await storage.exportContents(async (contents) => {
        const pages: number[] = [];
        for await (const page of contents.read("events")) pages.push(page.length);
        return pages;
      });
      expect(Math.max(...sizes) <= MAX_COPY_PAGE_ITEMS).toBe(true);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2 * MAX_COPY_PAGE_ITEMS + 1);
      const [, second] = await itemsOf(storage, "events");
      const rest = await itemsOf(storage, "events", { position: second?.position ?? 0 });
      expect(rest.map(({ version }) => version)).toEqual(wholeNumbers(3, 2 * MAX_COPY_PAGE_ITEMS + 1));
    });

    test("stay as they were while others write", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      const [before, figures] = await storage.exportContents(async (contents) => {
        const versions: number[] = [];
        const writing = append(storage, "a", countedUpTo(6, 4));
        for await (const page of contents.read("events")) versions.push(...page.map(({ version }) => version));
        return [versions, await contents.readFigures(), writing.catch(() => undefined)] as const;
      });
      expect(before).toEqual([1, 2, 3]);
      expect(figures).toMatchObject({ eventCount: 3, lastPosition: figures.givenPosition });
      await append(storage, "a", []);
      expect((await itemsOf(storage, "events")).length).toBe(6);
    });

    test("are imported with their places, gaps included, and read like any others", async (storage) => {
      const events = [eventAt(5, "a", 3), eventAt(9, "b", 1, { data: new Uint8Array([7]) }), eventAt(10, "a", 4)];
      expect(await storage.importContents(putEvents(0, events))).toBe(true);

      expect(await itemsOf(storage, "events")).toEqual(events);
      const all = await readAll(storage, ALL_STREAM);
      expect(all.map(({ position, version }) => [position, version])).toEqual([
        [5, 3],
        [9, 1],
        [10, 4],
      ]);
      expect(await storage.getVersion(ALL_STREAM)).toBe(10);
      expect(await append(storage, "b", [counted(2)], { expectedVersion: 1 })).toMatchObject({ version: 2 });
    });

    test("are refused, and nothing is changed, where the store does not end as expected", async (storage) => {
      await storage.importContents(putEvents(0, [eventAt(5, "a", 1)]));
      await append(storage, "a", [counted(2)]);

      expect(await storage.importContents(putEvents(5, [eventAt(9, "a", 2)]))).toBe(false);
      expect(versionsOf(await readAll(storage, "a"))).toEqual([1, 2]);
    });

    test("keep a retry from storing an imported event again", async (storage) => {
      const content = { id: "k", idempotencyKey: "k", data: "1" };
      await storage.importContents(putEvents(0, [eventAt(5, "a", 1, content)]));

      expect(await append(storage, "a", [{ type: "Counted", data: 1, idempotencyKey: "k" }])).toMatchObject({
        version: 1,
        position: 5,
        written: 0,
      });
    });

    test("have snapshots, in the order of their keys, which are replaced and removed", async (storage) => {
      const snapshot = (streamId: string, version: number, byte: number) => ({
        streamId,
        projection: "default",
        version,
        timestamp: new Date(1_700_000_000_000 + version),
        state: { codec: "json", bytes: new Uint8Array([byte]) },
      });
      // By code points the last one comes last, and by UTF-16 units it would not.
      const ids = ["a", "b\u0000", "\uffff", "\u{10000}"];
      const events = ids.map((streamId, index) => eventAt(index + 1, streamId, 1));
      const snapshots = ids.flatMap((streamId) => [snapshot(streamId, 0, 1), snapshot(streamId, 1, 2)]);
      await storage.importContents({ after: 0, put: { events, snapshots: [...snapshots].reverse() } });
      expect(await itemsOf(storage, "snapshots")).toEqual(snapshots);
      expect(await itemsOf(storage, "snapshots", snapshots[2])).toEqual(snapshots.slice(3));

      const changed = snapshot("a", 1, 3);
      const remove = { snapshots: snapshots.slice(2) };
      await storage.importContents({ after: ids.length, remove, put: { snapshots: [changed] } });
      expect(await itemsOf(storage, "snapshots")).toEqual([snapshots[0], changed]);
      const loaded = await storage.loadSnapshot({ streamId: "a", projection: "default" });
      expect(loaded).toEqual(changed);
    });

    test("have records with their revisions, and no revision comes again", async (storage) => {
      const record = (space: string, key: string, revision: number) => ({ space, key, revision, value: '{"a":1}' });
      const records = [record("@x", "a", 7), record("s", "a\u0000", 2), record("s", "\u{10000}", 9)];
      await storage.importContents({ after: 0, put: { records: [...records].reverse() } });
      expect(await itemsOf(storage, "records")).toEqual(records);
      expect(await itemsOf(storage, "records", records[1])).toEqual(records.slice(2));

      await storage.importContents({
        after: 0,
        remove: { records: [{ space: "@x", key: "a" }] },
        put: { records: [record("s", "a\u0000", 3)] },
        figures: { givenPosition: 0, lastRevision: 20 },
      });
      expect(await itemsOf(storage, "records")).toEqual([record("s", "a\u0000", 3), records[2]]);
      const revision = await storage.transact((session) => session.records.put("s", "new", {}), {});
      expect(revision).toBe(21);
      const figures = await storage.exportContents((contents) => contents.readFigures());
      expect(figures).toMatchObject({ eventCount: 0, lastRevision: 21 });
    });

    test("have the first versions of pruned streams, below which nothing is left", async (storage) => {
      const events = [eventAt(1, "a", 1), eventAt(2, "a", 2), eventAt(3, "b", 1), eventAt(8, "a", 5)];
      const prunedStreams = [{ streamId: "a", firstVersion: 5 }];
      await storage.importContents({ after: 0, put: { events, prunedStreams } });

      expect(await itemsOf(storage, "prunedStreams")).toEqual(prunedStreams);
      expect(await itemsOf(storage, "prunedStreams", { streamId: "a" })).toEqual([]);
      expect(versionsOf(await readAll(storage, "a", { after: 4 }))).toEqual([5]);
      expect(await readPage(storage, "a", { after: 4 })).toMatchObject({ first: 5, head: 5 });
      expect(await storage.exportContents((contents) => contents.readFigures())).toMatchObject({ eventCount: 2 });
    });

    test("have the keys of removed events, which a retry does not store again", async (storage) => {
      const kept = { streamId: "a", key: "k", version: 1, position: 1 };
      const other = { streamId: "a", key: "l", version: 2, position: 2 };
      await storage.importContents({
        after: 0,
        put: {
          events: [eventAt(4, "a", 3)],
          prunedStreams: [{ streamId: "a", firstVersion: 3 }],
          keptKeys: [other, kept],
        },
      });
      expect(await itemsOf(storage, "keptKeys")).toEqual([kept, other]);
      expect(await itemsOf(storage, "keptKeys", kept)).toEqual([other]);
      expect(await append(storage, "a", [keyed("k")])).toMatchObject({ written: 0, version: 1, position: 1 });

      await storage.importContents({ after: 4, remove: { keptKeys: [kept] } });
      expect(await itemsOf(storage, "keptKeys")).toEqual([other]);
      expect(await append(storage, "a", [keyed("k")])).toMatchObject({ written: 1, version: 4 });
    });

    test("leave a place for what the source had given and removed", async (storage) => {
      const figures = { givenPosition: 12, lastRevision: 0 };
      await storage.importContents({ after: 0, put: { events: [eventAt(5, "a", 1)] }, figures });

      expect(await storage.exportContents((contents) => contents.readFigures())).toMatchObject({ lastPosition: 5 });
      const { position } = await append(storage, "a", [counted(2)]);
      expect(position > 5).toBe(true);
    });
  });
}
