import { ALL_STREAM, type EventFilter, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { take } from "../support/collect.js";
import { eachCase } from "../support/each-case.js";
import { FILTER_CASES } from "../support/filter-cases.js";
import { FILTERABLE_EVENTS } from "../support/filterable-events.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeWatchFilter({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  describe("a filter in a watch", () => {
    for (const [about, cases] of FILTER_CASES) {
      test(`finds in replay and live: ${about}`, async (streams) => {
        await eachCase(cases, async ([, filter, matching], index) => {
          const stream = await streams.openStream(`case-${index}`);
          await stream.write(FILTERABLE_EVENTS);
          const everything = new Observation(stream.watch({ after: 0 }));
          const filtered = new Observation(stream.watch({ after: 0, filter }));
          const isReplayed = (): boolean =>
            everything.events.length === 10 && filtered.events.length >= matching.length;
          await eventually("the replay is delivered", isReplayed);
          // Live, the events have other versions, so that clauses on the version may hold no more.
          await stream.write(FILTERABLE_EVENTS.map(({ idempotencyKey: _, ...event }) => event));
          const hasVersionClause = filter.some((clause) => clause.field === "version");
          const live = hasVersionClause ? [] : matching.map((version) => version + FILTERABLE_EVENTS.length);
          await eventually("what matches is delivered", () => filtered.events.length >= matching.length + live.length);
          await eventually("everything is delivered", () => everything.events.length === 20);

          expect(versionsOf(filtered.events)).toEqual([...matching, ...live]);
          everything.unsubscribe();
          filtered.unsubscribe();
        });
      });
    }

    test("finds the few among the many, in replay and live", async (streams) => {
      const stream = await streams.openStream("a");
      const isRare = (number: number): boolean => number % 500 === 0;
      const event = (number: number) => ({ type: isRare(number) ? "Rare" : "Common", data: { number } });
      const filter: EventFilter = [{ field: "type", op: "=", value: "Rare" }];
      await stream.write(wholeNumbers(1, 1_600).map(event));
      const iterated = take(stream.watch({ after: 0, filter }), 6);
      const observation = new Observation(stream.watch({ after: 0, filter }));
      for (const batch of wholeNumbers(16, 29))
        await stream.write(wholeNumbers(batch * 100 + 1, batch * 100 + 100).map(event));
      await eventually("all are delivered", () => observation.events.length >= 6);

      expect(numbersOf(observation.events)).toEqual([500, 1_000, 1_500, 2_000, 2_500, 3_000]);
      expect(numbersOf(await iterated)).toEqual([500, 1_000, 1_500, 2_000, 2_500, 3_000]);
    });

    test("finds events of some streams on @all", async (streams) => {
      const [order, user, all] = await Promise.all(
        ["order-1", "user-1", ALL_STREAM].map((id) => streams.openStream(id)),
      );
      await order?.write(countedUpTo(2));
      await user?.write(countedUpTo(2));
      const filter: EventFilter = [{ field: "streamId", op: "prefix", value: "order-" }];
      const iterated = take(all?.watch({ after: 0, filter }) ?? ([] as never), 4);
      await user?.write(counted(3));
      await order?.write(countedUpTo(4, 3));

      expect((await iterated).map((event) => [event.streamId, event.version])).toEqual([
        ["order-1", 1],
        ["order-1", 2],
        ["order-1", 3],
        ["order-1", 4],
      ]);
    });
  });
}
