import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { ATOMIC_WRITES } from "../support/capabilities.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { allEventsOf, eventsIn } from "../support/transactions.js";

export function describeWriteAll({ describe, testWith, expect, eventually }: Suite<StreamFactory>): void {
  describe("a write to several streams, where the store has it", () => {
    testWith(ATOMIC_WRITES, "stores the events of each stream, in the order given", async (streams) => {
      await (await streams.openStream("b")).write(counted(0));
      const results = await streams.writeAll([
        { streamId: "a", events: countedUpTo(2) },
        { streamId: "b", events: counted(3) },
        { streamId: "c", events: countedUpTo(5, 4), expectedVersion: 0 },
      ]);

      const events = await allEventsOf(streams);
      expect(events.map(({ streamId }) => streamId)).toEqual(["b", "a", "a", "b", "c", "c"]);
      expect(numbersOf(events)).toEqual(wholeNumbers(0, 5));
      expect(versionsOf(events)).toEqual([1, 1, 2, 2, 1, 2]);
      expect(results).toEqual([
        { version: 2, position: events[2]?.position, written: 2 },
        { version: 2, position: events[3]?.position, written: 1 },
        { version: 2, position: events[5]?.position, written: 2 },
      ]);
    });

    testWith(ATOMIC_WRITES, "marks its events with one id where they are of more than one stream", async (streams) => {
      const mine = { ...counted(2), metadata: { transactionId: "mine" } };
      await streams.writeAll([
        { streamId: "a", events: [counted(1), mine] },
        { streamId: "b", events: { ...counted(3), metadata: { userId: "ada" } } },
        { streamId: "c", expectedVersion: 0 },
      ]);
      await streams.writeAll([
        { streamId: "a", events: counted(4) },
        { streamId: "c", expectedVersion: 0 },
      ]);
      const [first, second, third, alone] = (await allEventsOf(streams)).map(({ metadata }) => metadata);

      const transactionId = first?.transactionId;
      expect(typeof transactionId).toBe("string");
      expect(second).toEqual({ transactionId: "mine" });
      expect(third).toEqual({ userId: "ada", transactionId });
      expect(alone).toBe(null);
    });

    testWith(ATOMIC_WRITES, "stores nothing when one stream is not at its expected version", async (streams) => {
      await (await streams.openStream("b")).write(counted(0));
      const writes = [
        { streamId: "a", events: counted(1) },
        { streamId: "b", events: counted(2), expectedVersion: 0 },
        { streamId: "c", events: counted(3) },
      ];

      expect(await failureOf(streams.writeAll(writes))).toMatchObject({
        name: "ConcurrencyError",
        code: "CONCURRENCY_CONFLICT",
        streamId: "b",
        expectedVersion: 0,
        actualVersion: 1,
      });
      expect(numbersOf(await allEventsOf(streams))).toEqual([0]);
    });

    testWith(ATOMIC_WRITES, "checks the version of a stream to which it writes nothing", async (streams) => {
      const stream = await streams.openStream("checked");
      const { position } = await stream.write(countedUpTo(2));
      const write = (expectedVersion: number | "exists") =>
        streams.writeAll([
          { streamId: "a", events: counted(1) },
          { streamId: "checked", expectedVersion },
        ]);

      for (const expectedVersion of [0, 1, 3]) {
        const error = await failureOf(write(expectedVersion));
        expect(error).toMatchObject({ code: "CONCURRENCY_CONFLICT", streamId: "checked", expectedVersion });
      }
      expect((await write(2))[1]).toEqual({ version: 2, position, written: 0 });
      expect((await write("exists"))[1]).toEqual({ version: 2, position, written: 0 });
      expect(numbersOf(await eventsIn(streams, "a"))).toEqual([1, 1]);
    });

    testWith(ATOMIC_WRITES, "makes its checks also when it has no events at all", async (streams) => {
      await (await streams.openStream("a")).write(counted(1));

      const checks = [{ streamId: "a", expectedVersion: 1 }, { streamId: "b" }];
      expect(await streams.writeAll(checks)).toMatchObject([
        { version: 1, written: 0 },
        { version: 0, position: 0, written: 0 },
      ]);
      expect(await failureOf(streams.writeAll([{ streamId: "a", expectedVersion: 0, events: [] }]))).toMatchObject({
        code: "CONCURRENCY_CONFLICT",
        streamId: "a",
      });
      expect(await streams.writeAll([])).toEqual([]);
    });

    testWith(ATOMIC_WRITES, "finds a check that moved between its call and its transaction", async (streams) => {
      const stream = await streams.openStream("checked");
      const moving = stream.write(counted(1));
      const checking = streams.writeAll([
        { streamId: "a", events: counted(2) },
        { streamId: "checked", expectedVersion: 0 },
      ]);
      await moving;

      expect(await failureOf(checking)).toMatchObject({ code: "CONCURRENCY_CONFLICT", streamId: "checked" });
      expect(await eventsIn(streams, "a")).toEqual([]);
    });

    testWith(ATOMIC_WRITES, "takes its place among other writes, in the order of the calls", async (streams) => {
      const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
      const both = (number: number) => [
        { streamId: "a", events: counted(number) },
        { streamId: "b", events: counted(number) },
      ];
      await Promise.all([
        a.write(counted(1)),
        streams.writeAll(both(2)),
        b.write(counted(3)),
        streams.writeAll(both(4)),
        a.write(counted(5)),
      ]);

      expect(numbersOf(await allEventsOf(streams))).toEqual([1, 2, 2, 3, 4, 4, 5]);
    });

    testWith(ATOMIC_WRITES, "lets one of many racing writes win, whole", async (streams) => {
      const issued = wholeNumbers(1, 16).map((number) =>
        streams.writeAll([
          { streamId: `own-${number}`, events: counted(number) },
          { streamId: "name-ada", events: counted(number), expectedVersion: 0 },
        ]),
      );
      const { values, errors } = await outcomesOf(issued);

      expect(values.length).toBe(1);
      expect(errors.map((error) => (error as { readonly code?: unknown }).code)).toEqual(
        wholeNumbers(1, 15).map(() => "CONCURRENCY_CONFLICT"),
      );
      const [first, second, ...others] = numbersOf(await allEventsOf(streams));
      expect(first).toBe(second);
      expect(others).toEqual([]);
    });

    testWith(ATOMIC_WRITES, "does not make its neighbours fail", async (streams) => {
      const stream = await streams.openStream("a");
      const issued = [
        stream.write(counted(1)),
        streams.writeAll([
          { streamId: "b", events: counted(2) },
          { streamId: "c", expectedVersion: 9 },
        ]),
        stream.write(counted(3)),
      ];
      const { values, errors } = await outcomesOf<unknown>(issued);

      expect([values.length, errors.length]).toEqual([2, 1]);
      expect(numbersOf(await allEventsOf(streams))).toEqual([1, 3]);
    });

    testWith(ATOMIC_WRITES, "comes to watchers whole and in order", async (streams) => {
      const all = await streams.openStream(ALL_STREAM);
      const [observed, ofB] = [new Observation(all.watch()), new Observation((await streams.openStream("b")).watch())];
      await streams.writeAll([
        { streamId: "a", events: countedUpTo(2) },
        { streamId: "b", events: countedUpTo(4, 3) },
      ]);
      await eventually("both have everything", () => observed.events.length === 4 && ofB.events.length === 2);

      expect(numbersOf(observed.events)).toEqual([1, 2, 3, 4]);
      expect(numbersOf(ofB.events)).toEqual([3, 4]);
    });

    testWith(ATOMIC_WRITES, "takes events as they are at the call", async (streams) => {
      const data = { number: 1 };
      const writes = [{ streamId: "a", events: [{ type: "Counted", data }] }];
      const written = streams.writeAll(writes);
      data.number = 2;
      writes.push({ streamId: "b", events: [{ type: "Counted", data }] });

      expect((await written).length).toBe(1);
      expect(numbersOf(await allEventsOf(streams))).toEqual([1]);
    });

    testWith(ATOMIC_WRITES, "rejects with the reason of a signal that is aborted already", async (streams) => {
      const reason = new Error("changed my mind");
      const options = { signal: AbortSignal.abort(reason) };

      expect(await failureOf(streams.writeAll([{ streamId: "a", events: counted(1) }], options))).toBe(reason);
      expect(await allEventsOf(streams)).toEqual([]);
    });

    testWith(ATOMIC_WRITES, "fails once the store is disposed of", async (streams) => {
      await streams[Symbol.asyncDispose]();

      expect(await failureOf(streams.writeAll([]))).toMatchObject({ code: "STREAM_CLOSED" });
    });
  });
}
