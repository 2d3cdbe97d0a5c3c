import type { StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { nextTurn } from "../support/eventually.js";
import { outcomesOf } from "../support/failure-of.js";
import {
  counted,
  countedUpTo,
  isStrictlyRising,
  keyed,
  numbersOf,
  versionsOf,
  wholeNumbers,
} from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeConcurrentAppends({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("appends side by side", () => {
    test("are stored in the order in which one caller issued them", async (storage) => {
      const results = await Promise.all(wholeNumbers(1, 200).map((number) => append(storage, "a", [counted(number)])));

      expect(numbersOf(await readAll(storage, "a"))).toEqual(wholeNumbers(1, 200));
      expect(results.map((result) => result.version)).toEqual(wholeNumbers(1, 200));
      expect(isStrictlyRising(results.map((result) => result.position))).toBe(true);
    });

    test("to several streams take positions in the order in which they were issued", async (storage) => {
      const results = await Promise.all(
        wholeNumbers(1, 100).map((number) => append(storage, `stream-${number % 7}`, countedUpTo(number % 3))),
      );

      const positions = results.filter((result) => result.written > 0).map((result) => result.position);
      expect(isStrictlyRising(positions)).toBe(true);
    });

    test("each build on the one before it, also when none is awaited", async (storage) => {
      const { values } = await outcomesOf(
        wholeNumbers(0, 49).map((version) => append(storage, "a", [counted(version)], { expectedVersion: version })),
      );

      expect(values.length).toBe(50);
      expect(numbersOf(await readAll(storage, "a"))).toEqual(wholeNumbers(0, 49));
    });

    test("never mix their events", async (storage) => {
      const batches = wholeNumbers(0, 19).map((batch) =>
        append(
          storage,
          "a",
          wholeNumbers(0, 24).map((index) => counted(batch * 25 + index)),
        ),
      );
      await Promise.all(batches);

      expect(numbersOf(await readAll(storage, "a"))).toEqual(wholeNumbers(0, 499));
    });

    test("do not suffer from a neighbour that conflicts", async (storage) => {
      await append(storage, "a", [keyed("taken", 1)]);
      const issued = [
        append(storage, "a", [counted(2)]),
        append(storage, "a", [counted(90)], { expectedVersion: 0 }),
        append(storage, "a", [counted(3)], { expectedVersion: 2 }),
        append(storage, "a", [counted(91), keyed("taken", "something else")]),
        append(storage, "b", [counted(92)], { expectedVersion: "exists" }),
        append(storage, "a", [counted(4), counted(5)]),
        append(storage, "b", [counted(6)], { expectedVersion: 0 }),
      ];
      const { values, errors } = await outcomesOf(issued);

      expect(values.map(({ version, written }) => [version, written])).toEqual([
        [2, 1],
        [3, 1],
        [5, 2],
        [1, 1],
      ]);
      expect(errors.map((error) => (error as { readonly code?: unknown }).code)).toEqual([
        "CONCURRENCY_CONFLICT",
        "IDEMPOTENCY_CONFLICT",
        "CONCURRENCY_CONFLICT",
      ]);
      const stored = await readAll(storage, "a", { after: 1 });
      expect(versionsOf(stored)).toEqual([2, 3, 4, 5]);
      expect(numbersOf(stored)).toEqual([2, 3, 4, 5]);
      expect(numbersOf(await readAll(storage, "b"))).toEqual([6]);
    });

    test("are seen by a reader as a whole or not at all", async (storage) => {
      let underWay = true;
      const appended = append(storage, "a", countedUpTo(1_000)).finally(() => {
        underWay = false;
      });
      const seen = new Set<number>();
      while (underWay) {
        seen.add((await storage.readPage({ streamId: "a", after: 0, limit: 2_000, direction: "forward" })).head);
        seen.add(await storage.getVersion("a"));
        seen.add((await storage.getMetrics("a")).eventCount);
        await nextTurn();
      }
      await appended;

      expect([...seen].filter((count) => count !== 0 && count !== 1_000)).toEqual([]);
      expect(await storage.getVersion("a")).toBe(1_000);
    });

    test("are visible to everyone as soon as they resolve", async (storage) => {
      const issued = wholeNumbers(1, 40).map(async (number) => {
        const { version } = await append(storage, `stream-${number % 4}`, [counted(number)]);
        const page = await storage.readPage({
          streamId: `stream-${number % 4}`,
          after: version - 1,
          limit: 1,
          direction: "forward",
        });
        return { expected: number, found: numbersOf(page.events)[0], head: page.head >= version };
      });

      for (const { expected, found, head } of await Promise.all(issued)) {
        expect(found).toBe(expected);
        expect(head).toBe(true);
      }
    });
  });
}
