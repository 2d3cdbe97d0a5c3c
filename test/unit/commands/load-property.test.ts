import fc from "fast-check";
import { expect, test } from "vitest";
import { type Fold, handle, loadState, stateCache } from "../../../src/commands/index.js";
import { STORES } from "../consumers/support/stores.js";

type Numbered = { type: "Numbered"; data: number };

const sum = (numbers: readonly number[]) => numbers.reduce((hash, number) => (hash * 31 + number) % 1_000_003, 7);

/** What happens to a stream and to what is kept of it. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("write" as const), count: fc.integer({ min: 1, max: 7 }) }),
    fc.record({ kind: fc.constant("handle" as const), count: fc.integer({ min: 0, max: 3 }), isCached: fc.boolean() }),
    fc.record({
      kind: fc.constant("load" as const),
      atVersion: fc.option(fc.integer({ min: 0, max: 40 }), { nil: undefined }),
      isCached: fc.boolean(),
    }),
    fc.record({ kind: fc.constant("clear" as const) }),
    fc.record({ kind: fc.constant("together" as const), loads: fc.integer({ min: 1, max: 8 }) }),
  ),
  { maxLength: 25 },
);

/** As many as take a second or so. */
const RUNS: Readonly<Record<string, number>> = { memory: 150, SQLite: 25, PostgreSQL: 2 };

test.each(STORES)("over %s, whatever is kept of a stream, its state is that of all events", async (name, open) => {
  const policy = fc.option(fc.record({ every: fc.integer({ min: 1, max: 9 }), keep: fc.integer({ min: 1, max: 3 }) }), {
    nil: undefined,
  });
  await fc.assert(
    fc.asyncProperty(steps, policy, fc.integer({ min: 1, max: 2 }), async (sequence, snapshot, maxEntries) => {
      await using streams = await open();
      const fold: Fold<number, Numbered> = {
        name: "hash",
        initial: () => 7,
        evolve: (hash, { data }) => (hash * 31 + data) % 1_000_003,
        snapshot,
      };
      const cache = stateCache({ maxEntries });
      const stored: number[] = [];
      const stream = await streams.openStream<Numbered>("a");
      const next = (count: number): Numbered[] =>
        Array.from({ length: count }, (__, index) => ({ type: "Numbered", data: stored.length + index }));
      const expectState = async (atVersion: number | undefined, isCached: boolean) => {
        const options = { atVersion, cache: isCached ? cache : undefined };
        const version = Math.min(atVersion ?? stored.length, stored.length);
        expect(await loadState(streams, fold, "a", options as never)).toEqual({
          version,
          state: sum(stored.slice(0, version)),
        });
      };
      for (const step of sequence) {
        if (step.kind === "write") {
          const events = next(step.count);
          await stream.write(events);
          stored.push(...events.map(({ data }) => data));
        } else if (step.kind === "handle") {
          const events = next(step.count);
          const before = sum(stored);
          const decide = (state: number) => {
            expect(state).toBe(before);
            return events;
          };
          const { state, version } = await handle(streams, fold, "a", decide, {
            cache: step.isCached ? cache : undefined,
          });
          stored.push(...events.map(({ data }) => data));
          expect([state, version]).toEqual([sum(stored), stored.length]);
        } else if (step.kind === "load") {
          await expectState(step.atVersion, step.isCached);
        } else if (step.kind === "clear") {
          cache.clear("a");
        } else {
          const others = ["b", "c", "d"].map((streamId) => handle(streams, fold, streamId, () => next(1), { cache }));
          const loads = Array.from({ length: step.loads }, () => expectState(undefined, true));
          await Promise.all([...others, ...loads]);
        }
      }
      await expectState(undefined, true);
    }),
    { numRuns: RUNS[name] as number },
  );
});
