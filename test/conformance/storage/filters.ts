import { ALL_STREAM, type EventFilter, type StorageHandle } from "../../../protocols/index.js";
import { parseFilter } from "../../../src/filter/parse-filter.js";
import type { Suite } from "../suite.js";
import { eachCase } from "../support/each-case.js";
import { FILTER_CASES, ID_CASES } from "../support/filter-cases.js";
import { FILTERABLE_EVENTS } from "../support/filterable-events.js";
import { isStrictlyRising, positionsOf, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { append, pagesOf, readAll } from "../support/storage-calls.js";

/**
 * An adapter may return events that do not match, since the core applies the filter again. What it must not do is leave
 * out one that matches, or lose its way over those that it leaves out.
 */
export function describeFilters({ describe, test, expect }: Suite<StorageHandle>): void {
  async function filteredVersions(
    storage: StorageHandle,
    filter: EventFilter,
    options: { readonly limit: number; readonly direction: "forward" | "backward"; readonly streamId?: string },
  ): Promise<number[]> {
    const { streamId = "a", ...query } = options;
    const versions: number[] = [];
    for await (const page of pagesOf(storage, streamId, { ...query, filter: parseFilter(filter) })) {
      expect(page.events.length <= options.limit).toBe(true);
      expect(page.events.every((event) => event.streamId === "a" || streamId === ALL_STREAM)).toBe(true);
      versions.push(...page.events.filter((event) => event.streamId === "a").map((event) => event.version));
    }
    return options.direction === "forward" ? versions : versions.reverse();
  }

  describe("a filter in a page", () => {
    for (const [about, cases] of [...FILTER_CASES, ID_CASES]) {
      test(`leaves out no event that matches: ${about}`, async (storage) => {
        await append(storage, "a", FILTERABLE_EVENTS);
        await append(storage, "b", FILTERABLE_EVENTS);

        await eachCase(cases, async ([, filter, matching]) => {
          for (const streamId of ["a", ALL_STREAM]) {
            for (const direction of ["forward", "backward"] as const) {
              for (const limit of [2, 100]) {
                const versions = await filteredVersions(storage, filter, { limit, direction, streamId });
                expect(matching.filter((version) => !versions.includes(version))).toEqual([]);
                expect(isStrictlyRising(versions)).toBe(true);
              }
            }
          }
        });
      });
    }

    test("finds the few that match among the many that do not", async (storage) => {
      const isRare = (number: number): boolean => number === 3 || number === 1_234 || number === 2_000;
      await append(
        storage,
        "a",
        wholeNumbers(1, 2_000).map((number) => ({ type: isRare(number) ? "Rare" : "Common", data: number })),
      );
      const filter = parseFilter([{ field: "type", op: "=", value: "Rare" }]);

      for (const direction of ["forward", "backward"] as const) {
        for (const limit of [1, 2, 500]) {
          const events = await readAll(storage, "a", { filter, limit, direction });
          const rare = versionsOf(events.filter((event) => event.type === "Rare"));
          expect(direction === "forward" ? rare : rare.reverse()).toEqual([3, 1_234, 2_000]);
        }
      }
    });

    test("goes together with places", async (storage) => {
      await append(
        storage,
        "a",
        wholeNumbers(1, 30).map((number) => ({ type: number % 5 === 0 ? "Fifth" : "Other", data: number })),
      );
      const filter = parseFilter([{ field: "type", op: "=", value: "Fifth" }]);
      const all = positionsOf(await readAll(storage, "a"));
      const places = { after: 5, upTo: 25 };
      const positions = { after: all[4] as number, upTo: all[24] as number };

      for (const [streamId, range] of [
        ["a", places],
        [ALL_STREAM, positions],
      ] as const) {
        for (const direction of ["forward", "backward"] as const) {
          const events = await readAll(storage, streamId, { ...range, filter, limit: 3, direction });
          const fifths = versionsOf(events.filter((event) => event.type === "Fifth"));
          expect(direction === "forward" ? fifths : fifths.reverse()).toEqual([10, 15, 20, 25]);
          expect(events.every((event) => event.version > 5 && event.version <= 25)).toBe(true);
        }
      }
    });

    test("does not change what is notified of the stream's version", async (storage) => {
      await append(storage, "a", FILTERABLE_EVENTS);
      const filter = parseFilter([{ field: "type", op: "=", value: "There is no such type" }]);

      for await (const page of pagesOf(storage, "a", { filter })) expect(page.head).toBe(FILTERABLE_EVENTS.length);
    });
  });
}
