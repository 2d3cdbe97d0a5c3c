import type { Stream, StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect, take } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, wholeNumbers } from "../support/sample-events.js";

const CALLS: readonly (readonly [string, (stream: Stream) => Promise<unknown>])[] = [
  ["write", (stream) => stream.write(counted(1))],
  ["write of nothing", (stream) => stream.write([])],
  ["read", (stream) => collect(stream.read())],
  ["read of nothing", (stream) => collect(stream.read({ limit: 0 }))],
  ["watch", (stream) => collect(stream.watch())],
  ["snapshot", (stream) => stream.snapshot({ state: 1 })],
  ["loadSnapshot", (stream) => stream.loadSnapshot()],
  ["metrics", (stream) => stream.metrics()],
];

export function describeDispose({ describe, test, expect }: Suite<StreamFactory>): void {
  async function expectClosed(stream: Stream): Promise<void> {
    for (const [, call] of CALLS) {
      expect(await failureOf(call(stream))).toMatchObject({ name: "StreamClosedError", code: "STREAM_CLOSED" });
    }
  }

  describe("disposal", () => {
    test("of a handle makes its later calls fail, and touches no other handle", async (streams) => {
      const [handle, other] = [await streams.openStream("a"), await streams.openStream("a")];
      await handle.write(counted(1));
      await handle[Symbol.asyncDispose]();

      await expectClosed(handle);
      expect([handle.streamId, handle.version]).toEqual(["a", 1]);
      expect(await other.write(counted(2))).toMatchObject({ version: 2 });
      expect((await collect(other.read())).length).toBe(2);
    });

    test("of the factory makes the later calls of every handle fail, and openStream", async (streams) => {
      const handles = await Promise.all(["a", "b", "@all"].map((streamId) => streams.openStream(streamId)));
      await streams[Symbol.asyncDispose]();

      for (const handle of handles) await expectClosed(handle);
      expect(await failureOf(streams.openStream("a"))).toMatchObject({
        name: "StreamClosedError",
        code: "STREAM_CLOSED",
      });
    });

    test("makes a call fail before its arguments are looked at, and never throws from read or watch themselves", async (streams) => {
      const stream = await streams.openStream("a");
      await stream[Symbol.asyncDispose]();
      const [read, watch] = [stream.read({ after: -1 }), stream.watch({ after: -1 })];

      for (const iterable of [read, watch]) {
        expect(await failureOf(collect(iterable))).toMatchObject({ name: "StreamClosedError" });
      }
    });

    test("may be done twice, one after the other and at once", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(counted(1));
      await Promise.all([stream[Symbol.asyncDispose](), stream[Symbol.asyncDispose]()]);
      await stream[Symbol.asyncDispose]();
      await Promise.all([streams[Symbol.asyncDispose](), streams[Symbol.asyncDispose]()]);
      await streams[Symbol.asyncDispose]();
      await stream[Symbol.asyncDispose]();
    });

    test("of the factory finishes the writes that were accepted", async (streams) => {
      const stream = await streams.openStream("a");
      let unfinished = 100;
      const writes = wholeNumbers(1, 100).map((number) =>
        stream.write(counted(number)).finally(() => {
          unfinished -= 1;
        }),
      );
      const late = streams[Symbol.asyncDispose]();
      expect(await failureOf(stream.write(counted(101)))).toMatchObject({ code: "STREAM_CLOSED" });
      await late;

      expect(unfinished).toBe(0);
      const results = await Promise.all(writes);
      expect(results.map((result) => result.version)).toEqual(wholeNumbers(1, 100));
    });

    test("of a handle lets the writes that were accepted finish", async (streams) => {
      const stream = await streams.openStream("a");
      const writes = wholeNumbers(1, 50).map((number) => stream.write(counted(number)));
      await stream[Symbol.asyncDispose]();
      await Promise.all(writes);

      expect((await (await streams.openStream("a")).metrics()).eventCount).toBe(50);
    });

    test("of the factory, a second time, waits for the first", async (streams) => {
      const stream = await streams.openStream("a");
      let isWritten = false;
      const written = stream.write(countedUpTo(2_000)).then(() => {
        isWritten = true;
      });
      const first = streams[Symbol.asyncDispose]();
      await streams[Symbol.asyncDispose]();
      expect(isWritten).toBe(true);

      await first;
      await written;
    });

    for (const subject of ["handle", "factory"] as const) {
      test(`of the ${subject} ends reads that are under way with an error`, async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write(countedUpTo(1_000));
        const iterators = [1, 100, 999, 1_000].map((count) => ({
          count,
          iterator: stream.read()[Symbol.asyncIterator](),
        }));
        for (const { count, iterator } of iterators) for (const _ of wholeNumbers(1, count)) await iterator.next();
        const unopened = stream.read();
        await (subject === "handle" ? stream : streams)[Symbol.asyncDispose]();

        for (const { iterator } of iterators) {
          expect(await failureOf(iterator.next())).toMatchObject({ name: "StreamClosedError", code: "STREAM_CLOSED" });
          expect((await iterator.next()).done).toBe(true);
        }
        expect(await failureOf(take(unopened, 1))).toMatchObject({ code: "STREAM_CLOSED" });
      });
    }

    test("of the factory ends every read that waits, one way or the other", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(1_000));
      const reads = wholeNumbers(1, 20).map(() =>
        collect(stream.read()).then(
          (events) => events.length,
          (error: unknown) => (error as { readonly code?: unknown }).code,
        ),
      );
      await streams[Symbol.asyncDispose]();

      for (const outcome of await Promise.all(reads))
        expect(outcome === 1_000 || outcome === "STREAM_CLOSED").toBe(true);
    });
  });
}
