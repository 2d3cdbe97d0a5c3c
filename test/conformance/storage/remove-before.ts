import type { AdministrableStorage, Records, RemoveRequest, StorageHandle } from "../../../protocols/index.js";
import { ALL_STREAM, EventsNeededError } from "../../../protocols/index.js";
import { parseFilter } from "../../../src/filter/parse-filter.js";
import { encodeEvents } from "../../../src/write/encode-events.js";
import type { Suite } from "../suite.js";
import { ADMINISTRABLE_STORAGE } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, keyed, positionsOf, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { append, endStream, type PageOptions, pagesOf, readAll, readPage } from "../support/storage-calls.js";

function removeBefore(storage: AdministrableStorage, before: number, options: Partial<RemoveRequest> = {}) {
  return storage.removeBefore({ streamId: "a", before, limit: 1_000, keepKeys: true, ...options });
}

function keyedEvents(key: string) {
  return encodeEvents("a", [keyed(key)]);
}

export function describeRemoveBefore(suite: Suite<StorageHandle>): void {
  const { describe, testWith, expect } = suite;
  describe("a removal, where the storage has it", () => {
    testWith(
      ADMINISTRABLE_STORAGE,
      "takes the first events, and leaves the others where they were",
      async (storage) => {
        await append(storage, "a", countedUpTo(5));
        await append(storage, "b", countedUpTo(2));
        await append(storage, "a", countedUpTo(8, 6));
        const before = await readAll(storage, ALL_STREAM);

        expect(await removeBefore(storage, 4)).toEqual({ removed: 3, firstVersion: 4 });
        const left = before.filter(({ streamId, version }) => streamId === "b" || version >= 4);
        expect(await readAll(storage, ALL_STREAM)).toStrictEqual(left);
        expect(versionsOf(await readAll(storage, "a", { after: 3 }))).toEqual(wholeNumbers(4, 8));
        expect(versionsOf(await readAll(storage, "b"))).toEqual([1, 2]);
        expect(await storage.getVersion("a")).toBe(8);
        expect(await storage.getMetrics("a")).toMatchObject({ currentVersion: 8, eventCount: 5 });
        expect(await storage.getMetrics(ALL_STREAM)).toMatchObject({ eventCount: 7 });
      },
    );

    testWith(ADMINISTRABLE_STORAGE, "leaves events behind which the stream goes on", async (storage) => {
      await append(storage, "a", countedUpTo(5));
      await removeBefore(storage, 3);

      expect(await append(storage, "a", [counted(6)], { expectedVersion: 5 })).toMatchObject({
        version: 6,
        written: 1,
      });
      expect(await failureOf(append(storage, "a", [counted(7)], { expectedVersion: 3 }))).toMatchObject({
        code: "CONCURRENCY_CONFLICT",
        actualVersion: 6,
      });
      expect(versionsOf(await readAll(storage, "a", { after: 2 }))).toEqual([3, 4, 5, 6]);
    });

    testWith(ADMINISTRABLE_STORAGE, "takes no more than its limit, the oldest first", async (storage) => {
      await append(storage, "a", countedUpTo(10));

      expect(await removeBefore(storage, 8, { limit: 3 })).toEqual({ removed: 3, firstVersion: 4 });
      expect(await removeBefore(storage, 8, { limit: 5 })).toEqual({ removed: 4, firstVersion: 8 });
      expect(versionsOf(await readAll(storage, "a", { after: 7 }))).toEqual([8, 9, 10]);
    });

    testWith(ADMINISTRABLE_STORAGE, "always leaves the last event", async (storage) => {
      const { position } = await append(storage, "a", countedUpTo(3));

      expect(await removeBefore(storage, 100)).toEqual({ removed: 2, firstVersion: 3 });
      expect(await readPage(storage, ALL_STREAM)).toMatchObject({ head: position });
      expect(versionsOf(await readAll(storage, "a", { after: 2 }))).toEqual([3]);
    });

    testWith(ADMINISTRABLE_STORAGE, "of what is gone already takes nothing", async (storage) => {
      await append(storage, "a", countedUpTo(5));
      await removeBefore(storage, 4);

      for (const before of [1, 3, 4]) {
        expect(await removeBefore(storage, before)).toEqual({ removed: 0, firstVersion: 4 });
      }
      expect(versionsOf(await readAll(storage, "a", { after: 3 }))).toEqual([4, 5]);
    });

    testWith(ADMINISTRABLE_STORAGE, "skips a position, and gives none again", async (storage) => {
      const { position } = await append(storage, "a", countedUpTo(5));
      await removeBefore(storage, 5);
      const next = await append(storage, "b", [counted(1)]);

      expect(next.position - position > 1).toBe(true);
      expect(positionsOf(await readAll(storage, ALL_STREAM))).toEqual([position, next.position]);
    });

    testWith(ADMINISTRABLE_STORAGE, "is told by the first version of each page of the stream", async (storage) => {
      await append(storage, "a", countedUpTo(6));
      expect((await readPage(storage, "a")).first ?? 1).toBe(1);
      await removeBefore(storage, 4);
      const filter = parseFilter([{ field: "type", op: "=", value: "Other" }]);
      for (const options of [
        {},
        { direction: "backward" },
        { after: 6 },
        { upTo: 2 },
        { filter },
      ] satisfies PageOptions[]) {
        for await (const page of pagesOf(storage, "a", { ...options, limit: 2 })) expect(page.first).toBe(4);
      }
      const { first } = await storage.transact(
        (session) => session.readPage({ streamId: "a", after: 0, limit: 10, direction: "forward" }),
        {},
      );
      expect(first).toBe(4);
      // Positions have gaps, and nothing else is said of them.
      for (const streamId of [ALL_STREAM, "other"]) expect((await readPage(storage, streamId)).first ?? 1).toBe(1);
    });

    testWith(ADMINISTRABLE_STORAGE, "does not end while a transaction that began before it runs", async (storage) => {
      await append(storage, "a", countedUpTo(5));
      let removing: Promise<unknown> | undefined;
      const events = await storage.transact(async (session) => {
        removing = removeBefore(storage, 4);
        await new Promise((resolve) => setImmediate(resolve));
        const page = await session.readPage({ streamId: "a", after: 0, limit: 10, direction: "forward" });
        return page.events;
      }, {});

      expect(versionsOf(events)).toEqual(wholeNumbers(1, 5));
      expect(await removing).toEqual({ removed: 3, firstVersion: 4 });
    });

    testWith(ADMINISTRABLE_STORAGE, "is refused once the storage is disposed of", async (storage) => {
      await append(storage, "a", countedUpTo(5));
      await storage[Symbol.asyncDispose]();

      const closed = { code: "STREAM_CLOSED" };
      expect(await failureOf(removeBefore(storage, 4))).toMatchObject(closed);
      expect(await failureOf(storage.deleteSnapshots({ streamId: "a" }))).toMatchObject(closed);
      expect(await failureOf(storage.reclaim(1_024))).toMatchObject(closed);
    });
  });
  describeNeeds(suite);
  describeKeys(suite);
  describeEnd(suite);
}

/** The record of one who reads the store, and has read it up to a position. */
function putReader(storage: AdministrableStorage, position: number): Promise<number> {
  return storage.transact(({ records }) => records.put("@consumers", "mail", { position }), {});
}

/** Rejects as soon as somebody is registered. */
async function assertNobodyReads(records: Pick<Records, "list">): Promise<void> {
  const [reader] = await records.list("@consumers");
  if (reader !== undefined) throw new EventsNeededError([reader.key], `needed by ${reader.key}`);
}

function describeNeeds({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("events that somebody needs, where the storage can remove them", () => {
    testWith(ADMINISTRABLE_STORAGE, "stay, and the removal fails with what says so", async (storage) => {
      await append(storage, "a", countedUpTo(5));
      await putReader(storage, 2);
      const assertUnneeded = assertNobodyReads;

      const failure = await failureOf(removeBefore(storage, 4, { assertUnneeded, keepKeys: false }));
      expect(failure).toMatchObject({ code: "EVENTS_NEEDED", message: "needed by mail" });
      expect((await readPage(storage, "a")).first ?? 1).toBe(1);
      expect(versionsOf(await readAll(storage, "a"))).toEqual(wholeNumbers(1, 5));

      await storage.transact(({ records }) => records.delete("@consumers", "mail"), {});
      expect(await removeBefore(storage, 4, { assertUnneeded })).toEqual({ removed: 3, firstVersion: 4 });
    });

    testWith(ADMINISTRABLE_STORAGE, "are looked for in the transaction that removes", async (storage) => {
      await append(storage, "a", countedUpTo(5));
      const firsts: unknown[] = [];
      const registrations: Promise<unknown>[] = [];
      const removal = await removeBefore(storage, 4, {
        assertUnneeded: async (records) => {
          await assertNobodyReads(records);
          // It comes too late to keep the events, and so it must find them gone.
          const registered = storage.transact(async (session) => {
            await session.records.put("@consumers", "mail", { position: 0 });
            firsts.push((await session.readPage({ streamId: "a", after: 4, limit: 1, direction: "forward" })).first);
          }, {});
          registrations.push(registered);
          await new Promise((resolve) => setImmediate(resolve));
        },
      });
      await Promise.all(registrations);

      expect(removal).toEqual({ removed: 3, firstVersion: 4 });
      expect(firsts).toEqual(registrations.map(() => 4));
    });
  });
}

function describeKeys({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("the keys of removed events, where the storage can remove them", () => {
    testWith(ADMINISTRABLE_STORAGE, "stay, so that a late retry stores nothing", async (storage) => {
      const { position } = await append(storage, "a", [keyed("k1")]);
      await append(storage, "a", [keyed("k2"), keyed("k3")]);
      await removeBefore(storage, 3);

      const retry = await append(storage, "a", [keyed("k1")], { expectedVersion: 0 });
      expect(retry).toEqual({ version: 1, position, written: 0 });
      // There is nothing left to compare the content with.
      expect(await append(storage, "a", [keyed("k1", "another")])).toMatchObject({ version: 1, written: 0 });
      expect(await append(storage, "a", [keyed("k2"), keyed("k4")])).toMatchObject({ version: 4, written: 1 });
      const inside = await storage.transact(
        (session) => session.append({ streamId: "a", events: keyedEvents("k2"), expectedVersion: "any" }),
        {},
      );
      expect(inside).toMatchObject({ version: 2, written: 0 });
    });

    testWith(ADMINISTRABLE_STORAGE, "are of their stream alone", async (storage) => {
      await append(storage, "a", [keyed("k1"), keyed("k2")]);
      await removeBefore(storage, 2);

      expect(await append(storage, "b", [keyed("k1")])).toMatchObject({ version: 1, written: 1 });
    });

    testWith(ADMINISTRABLE_STORAGE, "are forgotten where that is asked for, earlier ones too", async (storage) => {
      await append(storage, "a", [keyed("k1"), keyed("k2"), keyed("k3"), keyed("k4")]);
      await removeBefore(storage, 2);
      await removeBefore(storage, 3, { keepKeys: false });

      for (const [index, key] of ["k1", "k2"].entries()) {
        expect(await append(storage, "a", [keyed(key)])).toMatchObject({ version: 5 + index, written: 1 });
      }
      expect(await append(storage, "a", [keyed("k3")])).toMatchObject({ version: 3, written: 0 });
    });
  });
}

function describeEnd({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("a stream that ends with a tombstone, where the storage can remove events", () => {
    testWith(ADMINISTRABLE_STORAGE, "takes no append, whatever it expects, and no retry", async (storage) => {
      await append(storage, "a", [keyed("k1"), keyed("k2")]);
      const { position } = await endStream(storage, "a");
      const deleted = { code: "STREAM_DELETED", streamId: "a" };
      for (const expectedVersion of ["any", "exists", 0, 2, 3] as const) {
        expect(await failureOf(append(storage, "a", [counted(1)], { expectedVersion }))).toMatchObject(deleted);
      }
      expect(await failureOf(append(storage, "a", [keyed("k1")]))).toMatchObject(deleted);
      expect(await failureOf(append(storage, "a", []))).toMatchObject(deleted);
      const inside = storage.transact(
        (session) => session.append({ streamId: "a", events: keyedEvents("k9"), expectedVersion: "any" }),
        {},
      );
      expect(await failureOf(inside)).toMatchObject(deleted);
      expect(await readPage(storage, ALL_STREAM)).toMatchObject({ head: position });
    });

    testWith(ADMINISTRABLE_STORAGE, "takes none either once its other events are gone", async (storage) => {
      await append(storage, "a", [keyed("k1"), keyed("k2")]);
      const { version } = await endStream(storage, "a");
      await removeBefore(storage, version, { keepKeys: false });
      await append(storage, "b", [counted(1)]);

      const deleted = { code: "STREAM_DELETED", streamId: "a" };
      expect(await failureOf(append(storage, "a", [keyed("k1")]))).toMatchObject(deleted);
      expect(await failureOf(append(storage, "a", [counted(1)], { expectedVersion: 0 }))).toMatchObject(deleted);
      expect(await readAll(storage, "a", { after: version - 1 })).toMatchObject([{ version, type: "@deleted" }]);
    });

    testWith(ADMINISTRABLE_STORAGE, "takes no append in the transaction that has ended it", async (storage) => {
      await append(storage, "a", [counted(1)]);
      const both = storage.transact(async (session) => {
        await endStream(session, "a");
        return session.append({ streamId: "a", events: keyedEvents("k1"), expectedVersion: "any" });
      }, {});

      expect(await failureOf(both)).toMatchObject({ code: "STREAM_DELETED" });
      expect(await append(storage, "a", [counted(2)])).toMatchObject({ version: 2 });
    });
  });
}
