import type { ReadOptions, StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect } from "../support/collect.js";
import { countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

// More events than a store is likely to read in one step.
const STORED_EVENTS = 1_500;

/** What a read of so many events must yield: the options, spelled out on a list. */
function expectedVersions(options: ReadOptions): number[] {
  const { after = 0, upTo = STORED_EVENTS, limit = STORED_EVENTS, direction = "forward" } = options;
  const versions = wholeNumbers(1, STORED_EVENTS).filter((version) => version > after && version <= upTo);
  return (direction === "forward" ? versions : versions.reverse()).slice(0, limit);
}

const RANGES: readonly ReadOptions[] = [
  {},
  { after: 1 },
  { after: STORED_EVENTS - 1 },
  { after: STORED_EVENTS },
  { after: STORED_EVENTS + 1_000 },
  { upTo: 0 },
  { upTo: 1 },
  { upTo: STORED_EVENTS },
  { upTo: STORED_EVENTS + 1_000 },
  { after: 10, upTo: 11 },
  { after: 11, upTo: 11 },
  { after: 12, upTo: 11 },
  { after: 100, upTo: 1_400 },
];

const LIMITS: readonly number[] = [0, 1, 2, 127, 128, 129, 640, 1_499, 1_500, 1_501, Number.MAX_SAFE_INTEGER];

export function describeRead({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("read", () => {
    test("yields nothing of a stream without events", async (streams) => {
      const stream = await streams.openStream("a");
      await (await streams.openStream("b")).write(countedUpTo(3));

      expect(await collect(stream.read())).toEqual([]);
      expect(await collect(stream.read({ direction: "backward" }))).toEqual([]);
    });

    for (const direction of ["forward", "backward"] as const) {
      test(`runs ${direction} between the places that it is given`, async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write(countedUpTo(STORED_EVENTS));

        for (const range of RANGES) {
          const events = await collect(stream.read({ ...range, direction }));
          expect(versionsOf(events)).toEqual(expectedVersions({ ...range, direction }));
          expect(numbersOf(events)).toEqual(versionsOf(events));
        }
      });

      test(`runs ${direction} and yields as many events as the limit allows, not one more or fewer`, async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write(countedUpTo(STORED_EVENTS));

        for (const limit of LIMITS) {
          for (const range of [{}, { after: 100, upTo: 1_400 }]) {
            const versions = versionsOf(await collect(stream.read({ ...range, limit, direction })));
            expect(versions).toEqual(expectedVersions({ ...range, limit, direction }));
          }
        }
      });
    }

    test("runs backward from the end by default", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(5));

      expect(versionsOf(await collect(stream.read({ direction: "backward", limit: 2 })))).toEqual([5, 4]);
      expect(versionsOf(await collect(stream.read({ direction: "backward", upTo: 3 })))).toEqual([3, 2, 1]);
      expect(versionsOf(await collect(stream.read({ direction: "backward", after: 3 })))).toEqual([5, 4]);
    });

    test("takes undefined for an option that is left out", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(5));
      const none = { after: undefined, upTo: undefined, limit: undefined, direction: undefined };

      expect(versionsOf(await collect(stream.read({ ...none, filter: undefined, signal: undefined })))).toEqual([
        1, 2, 3, 4, 5,
      ]);
    });

    test("takes the options as they are at the call", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(5));
      const options = { after: 2 };
      const read = stream.read(options);
      options.after = 4;

      expect(versionsOf(await collect(read))).toEqual([3, 4, 5]);
    });

    test("yields large events whole", async (streams) => {
      const stream = await streams.openStream("a");
      const text = "x".repeat(150_000);
      for (const number of wholeNumbers(1, 12)) await stream.write({ type: "Large", data: { number, text } });

      const events = await collect(stream.read());
      expect(numbersOf(events)).toEqual(wholeNumbers(1, 12));
      expect(events.every((event) => (event.data as { text: string }).text === text)).toBe(true);
    });
  });
}
