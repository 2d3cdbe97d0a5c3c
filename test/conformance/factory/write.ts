import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { eventsOf } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, keyed, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function describeWrite({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("write", () => {
    test("stores one event", async (streams) => {
      const stream = await streams.openStream("a");
      const result = await stream.write({ type: "Deposited", data: { amount: 100 }, metadata: { by: "ann" } });

      const [event] = await eventsOf(stream);
      expect(event).toStrictEqual({
        id: event?.id,
        streamId: "a",
        version: 1,
        position: result.position,
        timestamp: event?.timestamp,
        type: "Deposited",
        data: { amount: 100 },
        metadata: { by: "ann" },
      });
      expect(result).toEqual({ version: 1, position: event?.position, written: 1 });
    });

    test("stores a list of events, in order", async (streams) => {
      const stream = await streams.openStream("a");
      const result = await stream.write(countedUpTo(3));

      const events = await eventsOf(stream);
      expect(versionsOf(events)).toEqual([1, 2, 3]);
      expect(numbersOf(events)).toEqual([1, 2, 3]);
      expect(result).toEqual({ version: 3, position: events[2]?.position, written: 3 });
    });

    test("gives an event a UUIDv7 of its own, or its idempotency key, for an id", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write([counted(1), keyed("my key"), ...countedUpTo(100, 3)]);

      const ids = (await eventsOf(stream)).map((event) => event.id);
      expect(ids[1]).toBe("my key");
      expect(ids.filter((id) => UUID_V7.test(id)).length).toBe(99);
      expect(new Set(ids).size).toBe(100);
    });

    test("stamps events with the time at which they were stored", async (streams) => {
      const stream = await streams.openStream("a");
      const beforeMs = Date.now();
      await stream.write(counted(1));
      const afterMs = Date.now();

      const timeMs = (await eventsOf(stream))[0]?.timestamp.getTime() ?? 0;
      expect(timeMs >= beforeMs && timeMs <= afterMs).toBe(true);
    });

    test("stores none of the events when one of them cannot be stored", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(counted(1));
      await failureOf(stream.write([counted(2), counted(3), { type: "Bad", data: Number.NaN }]));

      expect(await stream.metrics()).toMatchObject({ currentVersion: 1, eventCount: 1 });
      expect(await stream.write(counted(2))).toMatchObject({ version: 2 });
    });

    test("of no events returns the place of the stream's end and stores nothing, whatever is expected", async (streams) => {
      const stream = await streams.openStream("a");
      expect(await stream.write([])).toEqual({ version: 0, position: 0, written: 0 });
      const { position } = await stream.write(countedUpTo(2));
      await (await streams.openStream("b")).write(counted(1));

      for (const expectedVersion of [undefined, "any", "exists", 0, 2, 9] as const) {
        expect(await stream.write([], { expectedVersion })).toEqual({ version: 2, position, written: 0 });
      }
      expect(await (await streams.openStream("c")).write([], { expectedVersion: "exists" })).toMatchObject({
        version: 0,
      });
      expect(await (await streams.openStream(ALL_STREAM)).metrics()).toMatchObject({ eventCount: 3 });
    });

    test("stores thousands of events as one step", async (streams) => {
      const stream = await streams.openStream("a");
      expect(await stream.write(countedUpTo(4_000), { expectedVersion: 0 })).toMatchObject({
        version: 4_000,
        written: 4_000,
      });

      const numbers = numbersOf(await eventsOf(stream));
      expect(numbers.length).toBe(4_000);
      expect(numbers.every((number, index) => number === index + 1)).toBe(true);
    });

    test("takes events as they are at the call", async (streams) => {
      const stream = await streams.openStream("a");
      const data = { list: [1], inner: { n: 1 } };
      const metadata = { by: "ann" };
      const bytes = new Uint8Array([1, 2, 3]);
      const events = [
        { type: "Json", data, metadata },
        { type: "Bytes", data: bytes },
      ] as { type: string; data: unknown }[];
      const options = { expectedVersion: 0 };
      const written = stream.write(events, options);
      data.list.push(2);
      data.inner.n = 2;
      metadata.by = "bob";
      bytes.fill(0);
      (events[0] as { type: string }).type = "Changed";
      events.push(counted(3) as { type: string; data: unknown });
      options.expectedVersion = 9;

      expect(await written).toMatchObject({ version: 2, written: 2 });
      const stored = await eventsOf(stream);
      expect(stored.map((event) => [event.type, event.data, event.metadata])).toStrictEqual([
        ["Json", { list: [1], inner: { n: 1 } }, { by: "ann" }],
        ["Bytes", new Uint8Array([1, 2, 3]), null],
      ]);
    });

    test("is refused on @all", async (streams) => {
      const all = await streams.openStream(ALL_STREAM);

      for (const expectedVersion of ["any", 0] as const) {
        expect(await failureOf(all.write(counted(1), { expectedVersion }))).toMatchObject({
          name: "ReadOnlyStreamError",
          code: "READ_ONLY_STREAM",
          streamId: ALL_STREAM,
        });
      }
      expect(await eventsOf(all)).toEqual([]);
    });

    test("can be read by every handle as soon as it resolves", async (streams) => {
      const [writer, reader] = [await streams.openStream("a"), await streams.openStream("a")];
      for (const number of wholeNumbers(1, 20)) {
        await writer.write(counted(number));
        expect(numbersOf(await eventsOf(reader)).at(-1)).toBe(number);
      }
    });
  });
}
