import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { eventsOf } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, keyed, wholeNumbers } from "../support/sample-events.js";

export function describeIdempotency({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("idempotent writes", () => {
    test("can be retried with their original expected version, by any handle, however far the stream has come", async (streams) => {
      const stream = await streams.openStream("a");
      const events = [keyed("k1"), keyed("k2")];
      const first = await stream.write(events, { expectedVersion: 0 });
      await stream.write(countedUpTo(9));
      const other = await streams.openStream("a");

      expect(await stream.write(events, { expectedVersion: 0 })).toEqual({ ...first, written: 0 });
      expect(await other.write(events, { expectedVersion: 0 })).toEqual({ ...first, written: 0 });
      expect(await other.write(events, { expectedVersion: "exists" })).toEqual({ ...first, written: 0 });
      expect(await other.write(events[0] ?? [], { expectedVersion: 77 })).toMatchObject({ version: 1, written: 0 });
      expect(stream.version).toBe(11);
      expect((await stream.metrics()).eventCount).toBe(11);
      expect((await (await streams.openStream(ALL_STREAM)).metrics()).eventCount).toBe(11);
    });

    test("store what is missing when some of their events are stored and no version is expected", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write([keyed("k1"), keyed("k3")]);

      expect(await stream.write([keyed("k1"), keyed("k2"), keyed("k3"), keyed("k4")])).toMatchObject({
        version: 4,
        written: 2,
      });
      expect(await stream.write([keyed("k5"), keyed("k2")], { expectedVersion: "exists" })).toMatchObject({
        version: 3,
        written: 1,
      });
      expect((await eventsOf(stream)).map((event) => event.id)).toEqual(["k1", "k3", "k2", "k4", "k5"]);
    });

    test("conflict when some of their events are stored and a version is expected", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(keyed("k1"));

      for (const expectedVersion of [0, 1, 2]) {
        const error = await failureOf(stream.write([keyed("k1"), keyed("k2")], { expectedVersion }));
        expect(error).toMatchObject({ code: "CONCURRENCY_CONFLICT", expectedVersion, actualVersion: 1 });
      }
      expect((await stream.metrics()).eventCount).toBe(1);
    });

    test("conflict when a key was used for another event", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write({ type: "T", data: { n: 1 }, metadata: { by: "ann" }, idempotencyKey: "key" });
      const others = [
        { type: "U", data: { n: 1 }, metadata: { by: "ann" } },
        { type: "T", data: { n: 2 }, metadata: { by: "ann" } },
        { type: "T", data: { n: 1 }, metadata: { by: "bob" } },
        { type: "T", data: { n: 1 } },
      ];

      for (const other of others) {
        expect(await failureOf(stream.write([counted(1), { ...other, idempotencyKey: "key" }]))).toMatchObject({
          name: "IdempotencyConflictError",
          code: "IDEMPOTENCY_CONFLICT",
          streamId: "a",
          idempotencyKey: "key",
          eventIndex: 1,
        });
      }
      expect((await stream.metrics()).eventCount).toBe(1);
      expect(stream.version).toBe(1);
    });

    test("do not care about the order of keys in objects", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write({
        type: "T",
        data: { a: 1, b: { c: 2, d: 3 } },
        metadata: { x: 1, y: 2 },
        idempotencyKey: "key",
      });
      const reordered = {
        type: "T",
        data: { b: { d: 3, c: 2 }, a: 1 },
        metadata: { y: 2, x: 1 },
        idempotencyKey: "key",
      };

      expect(await stream.write(reordered, { expectedVersion: 0 })).toMatchObject({ version: 1, written: 0 });
    });

    test("store a key once that occurs in them twice", async (streams) => {
      const stream = await streams.openStream("a");

      expect(await stream.write([keyed("k"), keyed("k"), counted(1)], { expectedVersion: 0 })).toMatchObject({
        version: 2,
        written: 2,
      });
      expect(await failureOf(stream.write([keyed("new", 1), keyed("new", 2)]))).toMatchObject({
        code: "IDEMPOTENCY_CONFLICT",
        eventIndex: 1,
      });
      expect((await stream.metrics()).eventCount).toBe(2);
    });

    test("keep the keys of one stream apart from those of another", async (streams) => {
      const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
      await a.write(keyed("key", 1));

      expect(await b.write(keyed("key", 2), { expectedVersion: 0 })).toMatchObject({ version: 1, written: 1 });
    });

    test("store an event once that many send at the same time", async (streams) => {
      const handles = await Promise.all(wholeNumbers(1, 40).map(() => streams.openStream("a")));
      const results = await Promise.all(
        handles.map((handle) => handle.write([keyed("k1"), keyed("k2")], { expectedVersion: 0 })),
      );

      expect(results.map(({ version }) => version)).toEqual(handles.map(() => 2));
      expect(
        results
          .map(({ written }) => written)
          .sort((a, b) => b - a)
          .slice(0, 2),
      ).toEqual([2, 0]);
    });

    test("do not make a handle know more than it learnt", async (streams) => {
      const [writer, retrier] = [await streams.openStream("a"), await streams.openStream("a")];
      await writer.write([keyed("k1"), ...countedUpTo(4)]);
      await retrier.write(keyed("k1"));

      expect(retrier.version).toBe(1);
    });
  });
}
