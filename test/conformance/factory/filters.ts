import { ALL_STREAM, type EventFilter, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect } from "../support/collect.js";
import { eachCase } from "../support/each-case.js";
import { FILTER_CASES, ID_CASES } from "../support/filter-cases.js";
import { LARGEST_FILTERS } from "../support/filter-limits.js";
import { FILTERABLE_EVENTS } from "../support/filterable-events.js";
import { countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeFilters({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("a filter in a read", () => {
    for (const [about, cases] of [...FILTER_CASES, ID_CASES]) {
      test(`finds what matches: ${about}`, async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write(FILTERABLE_EVENTS);

        await eachCase(cases, async ([, filter, matching]) => {
          expect(versionsOf(await collect(stream.read({ filter })))).toEqual(matching);
          const backward = await collect(stream.read({ filter, direction: "backward" }));
          expect(versionsOf(backward)).toEqual([...matching].reverse());
        });
      });
    }

    test("finds events of some streams on @all", async (streams) => {
      for (const streamId of ["order-1", "order-2", "user-1", "Order-3"]) {
        await (await streams.openStream(streamId)).write(countedUpTo(2));
      }
      const all = await streams.openStream(ALL_STREAM);
      const streamIds = async (filter: EventFilter): Promise<string[]> =>
        (await collect(all.read({ filter }))).map((event) => event.streamId);

      expect(await streamIds([{ field: "streamId", op: "=", value: "user-1" }])).toEqual(["user-1", "user-1"]);
      expect(
        await streamIds([
          { field: "streamId", op: "prefix", value: "order-" },
          { field: "version", op: "=", value: 2 },
        ]),
      ).toEqual(["order-1", "order-2"]);
      expect(await streamIds([{ field: "streamId", op: "in", value: ["Order-3", "user-1"] }])).toEqual([
        "user-1",
        "user-1",
        "Order-3",
        "Order-3",
      ]);
      expect(
        await streamIds([
          { field: "streamId", op: "like", value: "%-_" },
          { field: "version", op: "=", value: 1 },
        ]),
      ).toEqual(["order-1", "order-2", "user-1", "Order-3"]);
    });

    test("finds ids that were made at the write, within a stream and in the whole store", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      await stream.write({ type: "Keyed", data: null, idempotencyKey: "key" });
      const ids = (await collect(stream.read())).map((event) => event.id);
      const [firstId, secondId] = ids as [string, string];
      const upToFirst = [1, 2, 3, 4].filter((version) => (ids[version - 1] as string) <= firstId);

      for (const reader of [stream, await streams.openStream(ALL_STREAM)]) {
        const found = async (filter: EventFilter): Promise<number[]> =>
          versionsOf(await collect(reader.read({ filter })));

        expect(await found([{ field: "id", op: "=", value: secondId }])).toEqual([2]);
        expect(await found([{ field: "id", op: "=", value: secondId.toUpperCase() }])).toEqual([]);
        expect(await found([{ field: "id", op: "in", value: [secondId, "key", firstId] }])).toEqual([1, 2, 4]);
        expect(await found([{ field: "id", op: "!=", value: secondId }])).toEqual([1, 3, 4]);
        expect(await found([{ field: "id", op: "prefix", value: secondId }])).toEqual([2]);
        expect(await found([{ field: "id", op: "like", value: `%${firstId.slice(8)}` }])).toEqual([1]);
        expect(await found([{ field: "id", op: "<=", value: firstId }])).toEqual(upToFirst);
      }
    });

    test("may be as large as the limits allow", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write({ type: "A", data: { b: "c" }, metadata: { d: 1 }, idempotencyKey: "e" });
      for (const [what, filter] of LARGEST_FILTERS) {
        expect([what, (await collect(stream.read({ filter }))).length]).toEqual([what, 1]);
      }
    });

    test("finds positions", async (streams) => {
      const stream = await streams.openStream("a");
      await (await streams.openStream("b")).write(countedUpTo(3));
      await stream.write(countedUpTo(3));
      const [first, second] = await collect(stream.read());
      const filter: EventFilter = [
        { field: "position", op: ">=", value: first?.position ?? 0 },
        { field: "position", op: "<=", value: second?.position ?? 0 },
      ];

      expect(versionsOf(await collect(stream.read({ filter })))).toEqual([1, 2]);
    });

    test("finds times, given as a Date or as text", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      // A storage may give the events of one write several times.
      const times = (await collect(stream.read())).map((event) => event.timestamp);
      const timestamp = times[0] ?? new Date(0);
      const later = new Date(timestamp.getTime() + 60_000);
      for (const toValue of [(time: Date) => time, (time: Date) => time.toISOString()]) {
        const count = async (filter: EventFilter): Promise<number> => (await collect(stream.read({ filter }))).length;

        expect(await count([{ field: "timestamp", op: ">=", value: toValue(timestamp) }])).toBe(3);
        expect(await count([{ field: "timestamp", op: "<", value: toValue(timestamp) }])).toBe(0);
        expect(await count([{ field: "timestamp", op: "<", value: toValue(later) }])).toBe(3);
        expect(await count([{ field: "timestamp", op: "=", value: toValue(later) }])).toBe(0);
        expect(
          await count([{ field: "timestamp", op: "in", value: [later, ...times].map((time) => toValue(time)) }]),
        ).toBe(3);
      }
    });

    test("counts for the limit what matches, and goes together with places", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(
        wholeNumbers(1, 900).map((number) => ({ type: number % 7 === 0 ? "Seventh" : "Other", data: { number } })),
      );
      const filter: EventFilter = [{ field: "type", op: "=", value: "Seventh" }];
      const sevenths = wholeNumbers(1, 128).map((number) => number * 7);

      expect(numbersOf(await collect(stream.read({ filter })))).toEqual(sevenths);
      for (const limit of [0, 1, 2, 19, 127, 128, 129]) {
        expect(numbersOf(await collect(stream.read({ filter, limit })))).toEqual(sevenths.slice(0, limit));
        const backward = numbersOf(await collect(stream.read({ filter, limit, direction: "backward" })));
        expect(backward).toEqual([...sevenths].reverse().slice(0, limit));
      }
      expect(numbersOf(await collect(stream.read({ filter, after: 7, upTo: 28 })))).toEqual([14, 21, 28]);
    });

    test("finds the few among the many, at both ends and in between", async (streams) => {
      const stream = await streams.openStream("a");
      const rare = [1, 1_777, 2_500];
      await stream.write(
        wholeNumbers(1, 2_500).map((number) => ({ type: rare.includes(number) ? "Rare" : "Common", data: { number } })),
      );

      expect(numbersOf(await collect(stream.read({ filter: [{ field: "type", op: "=", value: "Rare" }] })))).toEqual(
        rare,
      );
      expect(await collect(stream.read({ filter: [{ field: "type", op: "=", value: "None" }] }))).toEqual([]);
    });
  });
}
