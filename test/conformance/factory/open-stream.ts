import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { eventsOf } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, numbersOf } from "../support/sample-events.js";
import { STREAM_IDS } from "../support/stream-ids.js";

const INVALID_IDS: readonly (readonly [string, unknown])[] = [
  ["empty", ""],
  ["too long", "x".repeat(1_025)],
  ["reserved", "@other"],
  ["almost @all", "@All"],
  ["only an @", "@"],
  ["with a lone surrogate", "a\ud800"],
  ["undefined", undefined],
  ["null", null],
  ["a number", 1],
  ["an object", { toString: () => "a" }],
];

export function describeOpenStream({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("openStream", () => {
    test("opens a handle on a stream that has no events yet, and adds nothing to the store", async (streams) => {
      const stream = await streams.openStream("a");

      expect(stream.streamId).toBe("a");
      expect(stream.version).toBe(0);
      expect(await eventsOf(stream)).toEqual([]);
      expect(await (await streams.openStream("@all")).metrics()).toMatchObject({ currentVersion: 0, eventCount: 0 });
    });

    test("opens a handle that knows the stream's version", async (streams) => {
      await (await streams.openStream("a")).write(countedUpTo(3));
      await (await streams.openStream("b")).write(countedUpTo(5));

      expect((await streams.openStream("a")).version).toBe(3);
    });

    test("opens as many handles on one stream as one likes", async (streams) => {
      const handles = await Promise.all(Array.from({ length: 50 }, () => streams.openStream("a")));
      await Promise.all(handles.map((handle, index) => handle.write(counted(index))));

      for (const handle of handles) expect((await handle.metrics()).eventCount).toBe(50);
    });

    test("takes any text for an id, and tells ids apart exactly", async (streams) => {
      for (const [index, streamId] of STREAM_IDS.entries())
        await (await streams.openStream(streamId)).write(counted(index));

      for (const [index, streamId] of STREAM_IDS.entries()) {
        const stream = await streams.openStream(streamId);
        expect(stream.streamId).toBe(streamId);
        expect(numbersOf(await eventsOf(stream))).toEqual([index]);
      }
    });

    for (const [what, streamId] of INVALID_IDS) {
      test(`refuses an id that is ${what}`, async (streams) => {
        const error = await failureOf(streams.openStream(streamId as string));

        expect(error).toMatchObject({ name: "InvalidArgumentError", code: "INVALID_ARGUMENT", argument: "streamId" });
      });
    }
  });
}
