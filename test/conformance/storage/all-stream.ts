import { ALL_STREAM, type StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { nextTurn } from "../support/eventually.js";
import { failureOf } from "../support/failure-of.js";
import {
  counted,
  countedUpTo,
  isStrictlyRising,
  keyed,
  numbersOf,
  positionsOf,
  wholeNumbers,
} from "../support/sample-events.js";
import { append, pagesOf, readAll, readPage } from "../support/storage-calls.js";

export function describeAllStream({ describe, test, expect }: Suite<StorageHandle>): void {
  /** Twelve events in three streams, numbered in the order in which they are stored. */
  async function fill(storage: StorageHandle): Promise<void> {
    await append(storage, "a", countedUpTo(3));
    await append(storage, "b", countedUpTo(4, 4));
    await append(storage, "c", countedUpTo(9, 5));
    await append(storage, "a", countedUpTo(12, 10));
  }

  describe("@all", () => {
    test("is empty in an empty store", async (storage) => {
      expect(await readPage(storage, ALL_STREAM)).toMatchObject({ events: [], next: null, head: 0 });
      expect(await storage.getVersion(ALL_STREAM)).toBe(0);
    });

    test("holds the events of every stream as they are there, in the order of their positions", async (storage) => {
      await fill(storage);

      const all = await readAll(storage, ALL_STREAM);
      expect(numbersOf(all)).toEqual(wholeNumbers(1, 12));
      expect(isStrictlyRising(positionsOf(all))).toBe(true);
      for (const streamId of ["a", "b", "c"]) {
        expect(all.filter((event) => event.streamId === streamId)).toStrictEqual(await readAll(storage, streamId));
      }
    });

    test("is at the last position", async (storage) => {
      await fill(storage);

      const last = positionsOf(await readAll(storage, ALL_STREAM)).at(-1);
      expect(await storage.getVersion(ALL_STREAM)).toBe(last);
      expect((await readPage(storage, ALL_STREAM, { limit: 1 })).head).toBe(last);
      expect((await readPage(storage, ALL_STREAM, { limit: 1, direction: "backward" })).head).toBe(last);
    });

    test("takes positions for places", async (storage) => {
      await fill(storage);
      const positions = positionsOf(await readAll(storage, ALL_STREAM));
      const [after, upTo] = [positions[3] as number, positions[7] as number];

      for (const limit of [1, 2, 3, 100]) {
        expect(numbersOf(await readAll(storage, ALL_STREAM, { after, limit }))).toEqual(wholeNumbers(5, 12));
        expect(numbersOf(await readAll(storage, ALL_STREAM, { upTo, limit }))).toEqual(wholeNumbers(1, 8));
        expect(numbersOf(await readAll(storage, ALL_STREAM, { after, upTo, limit }))).toEqual([5, 6, 7, 8]);
        const backward = await readAll(storage, ALL_STREAM, { after, upTo, limit, direction: "backward" });
        expect(numbersOf(backward)).toEqual([8, 7, 6, 5]);
      }
    });

    test("grows by nothing when an append fails, repeats itself or is empty", async (storage) => {
      await append(storage, "a", [keyed("key")]);
      const before = await storage.getVersion(ALL_STREAM);
      await append(storage, "a", [keyed("key")]);
      await append(storage, "b", []);
      await failureOf(append(storage, "a", [counted(2)], { expectedVersion: 0 }));

      expect(await storage.getVersion(ALL_STREAM)).toBe(before);
      expect((await readAll(storage, ALL_STREAM)).length).toBe(1);
    });

    test("never shows an event behind a place that a reader has passed", async (storage) => {
      let underWay = true;
      const writers = wholeNumbers(0, 7).map(async (writer) => {
        for (const number of wholeNumbers(1, 15)) {
          await append(storage, `stream-${writer}`, countedUpTo(number % 3, 0));
        }
      });
      const written = Promise.all(writers).finally(() => {
        underWay = false;
      });
      const followed: number[] = [];
      while (underWay) {
        for await (const page of pagesOf(storage, ALL_STREAM, { after: followed.at(-1) ?? 0, limit: 10 })) {
          followed.push(...positionsOf(page.events));
        }
        await nextTurn();
      }
      await written;
      followed.push(...positionsOf(await readAll(storage, ALL_STREAM, { after: followed.at(-1) ?? 0 })));

      expect(followed).toEqual(positionsOf(await readAll(storage, ALL_STREAM)));
    });
  });
}
