import type { StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { eachCase } from "../support/each-case.js";
import { countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { append, type PageOptions, pagesOf, readAll, readPage } from "../support/storage-calls.js";

const STORED_EVENTS = 23;

const RANGES: readonly (readonly [string, PageOptions, number[]])[] = [
  ["everything", {}, wholeNumbers(1, 23)],
  ["what is behind a place", { after: 20 }, [21, 22, 23]],
  ["nothing behind the end", { after: 23 }, []],
  ["nothing far behind the end", { after: 1_000 }, []],
  ["up to and including a place", { upTo: 3 }, [1, 2, 3]],
  ["nothing up to the beginning", { upTo: 0 }, []],
  ["to the end where the last place is behind it", { upTo: 1_000 }, wholeNumbers(1, 23)],
  ["between two places", { after: 4, upTo: 8 }, [5, 6, 7, 8]],
  ["nothing between a place and itself", { after: 5, upTo: 5 }, []],
  ["nothing where the last place is before the first", { after: 8, upTo: 4 }, []],
];

export function describeReadPage({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("a page", () => {
    test("of a stream without events is empty, and there is none behind it", async (storage) => {
      await append(storage, "other", countedUpTo(3));

      expect(await readPage(storage, "a")).toMatchObject({ events: [], next: null, head: 0 });
      expect(await readPage(storage, "a", { direction: "backward" })).toMatchObject({
        events: [],
        next: null,
        head: 0,
      });
      expect(await storage.getVersion("a")).toBe(0);
    });

    test("reads what lies between two places, forward and backward", async (storage) => {
      await append(storage, "other", countedUpTo(5));
      await append(storage, "a", countedUpTo(STORED_EVENTS));

      await eachCase(RANGES, async ([, options, expected]) => {
        expect(versionsOf(await readAll(storage, "a", options))).toEqual(expected);
        const backward = await readAll(storage, "a", { ...options, direction: "backward" });
        expect(versionsOf(backward)).toEqual([...expected].reverse());
      });
    });

    for (const limit of [1, 2, 5, 22, 23, 24, 1_000]) {
      test(`holds at most ${limit} of the events, and the pages together hold each of them once`, async (storage) => {
        await append(storage, "a", countedUpTo(STORED_EVENTS));
        for (const direction of ["forward", "backward"] as const) {
          for (const [, options, expected] of RANGES) {
            const versions: number[] = [];
            for await (const page of pagesOf(storage, "a", { ...options, limit, direction })) {
              expect(page.events.length <= limit).toBe(true);
              versions.push(...versionsOf(page.events));
            }
            expect(versions).toEqual(direction === "forward" ? expected : [...expected].reverse());
          }
        }
      });
    }

    test("tells the version of its stream, whatever it holds", async (storage) => {
      await append(storage, "a", countedUpTo(STORED_EVENTS));
      await append(storage, "other", countedUpTo(5));

      const queries: readonly PageOptions[] = [
        {},
        { limit: 1 },
        { upTo: 2 },
        { after: 23 },
        { after: 1_000 },
        { limit: 1, direction: "backward" },
        { upTo: 0, direction: "backward" },
      ];
      for (const query of queries) expect((await readPage(storage, "a", query)).head).toBe(STORED_EVENTS);
    });

    test("is not disturbed by appends between it and the next", async (storage) => {
      await append(storage, "a", countedUpTo(10));
      const numbers: unknown[] = [];
      for await (const page of pagesOf(storage, "a", { limit: 3 })) {
        const head = await storage.getVersion("a");
        if (numbers.length < 30) await append(storage, "a", countedUpTo(head + 2, head + 1));
        numbers.push(...numbersOf(page.events));
      }
      numbers.push(...numbersOf(await readAll(storage, "a", { after: numbers.length })));

      expect(numbers).toEqual(wholeNumbers(1, await storage.getVersion("a")));
    });

    test("that runs backward is not disturbed by appends between it and the next", async (storage) => {
      await append(storage, "a", countedUpTo(10));
      const numbers: unknown[] = [];
      for await (const page of pagesOf(storage, "a", { limit: 3, direction: "backward" })) {
        numbers.push(...numbersOf(page.events));
        await append(storage, "a", countedUpTo(12, 11));
      }
      expect(numbers).toEqual(wholeNumbers(1, 10).reverse());
    });

    test("of large events may be short, and nothing is left out", async (storage) => {
      const text = "x".repeat(200_000);
      await append(
        storage,
        "a",
        wholeNumbers(1, 20).map((number) => ({ type: "Large", data: { number, text } })),
      );

      for (const direction of ["forward", "backward"] as const) {
        const numbers = numbersOf(await readAll(storage, "a", { direction, limit: 8 }));
        expect(direction === "forward" ? numbers : numbers.reverse()).toEqual(wholeNumbers(1, 20));
      }
    });

    test("may be asked for many times at once", async (storage) => {
      await append(storage, "a", countedUpTo(50));

      const pages = await Promise.all(wholeNumbers(0, 49).map((after) => readPage(storage, "a", { after, limit: 1 })));
      expect(pages.map((page) => versionsOf(page.events))).toEqual(wholeNumbers(1, 50).map((version) => [version]));
    });
  });
}
