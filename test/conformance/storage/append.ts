import type { PlacedEvent, StorageHandle } from "../../../protocols/index.js";
import { decodeEvent } from "../../../src/adapter-kit/decode-event.js";
import type { Suite } from "../suite.js";
import { failureOf } from "../support/failure-of.js";
import {
  counted,
  countedUpTo,
  isStrictlyRising,
  keyed,
  numbersOf,
  positionsOf,
  versionsOf,
} from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeAppend({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("append", () => {
    test("stores the events of a request in order, under versions that begin at 1", async (storage) => {
      await append(storage, "a", countedUpTo(3));

      const events = await readAll(storage, "a");
      expect(versionsOf(events)).toEqual([1, 2, 3]);
      expect(numbersOf(events)).toEqual([1, 2, 3]);
    });

    test("goes on with the versions where the append before it ended", async (storage) => {
      await append(storage, "a", countedUpTo(2));
      await append(storage, "a", countedUpTo(5, 3));

      const events = await readAll(storage, "a");
      expect(versionsOf(events)).toEqual([1, 2, 3, 4, 5]);
      expect(numbersOf(events)).toEqual([1, 2, 3, 4, 5]);
    });

    test("counts the versions of every stream apart", async (storage) => {
      await append(storage, "a", countedUpTo(2));
      await append(storage, "b", countedUpTo(3));
      await append(storage, "a", [counted(3)]);

      expect(versionsOf(await readAll(storage, "a"))).toEqual([1, 2, 3]);
      expect(versionsOf(await readAll(storage, "b"))).toEqual([1, 2, 3]);
    });

    test("gives positions that rise with every event, across streams", async (storage) => {
      const results = [
        await append(storage, "a", countedUpTo(3)),
        await append(storage, "b", countedUpTo(2)),
        await append(storage, "a", [counted(4)]),
      ];

      const [a, b] = [positionsOf(await readAll(storage, "a")), positionsOf(await readAll(storage, "b"))];
      const inOrderOfAppends = [...a.slice(0, 3), ...b, ...a.slice(3)];
      expect(isStrictlyRising(inOrderOfAppends)).toBe(true);
      expect((inOrderOfAppends[0] as number) > 0).toBe(true);
      expect(results.map((result) => result.position)).toEqual([a[2], b[1], a[3]]);
    });

    test("says of the events that it has placed, if it does, what a read says", async (storage) => {
      const placed: (readonly PlacedEvent[])[] = [];
      const onPlaced = (events: readonly PlacedEvent[]): void => void placed.push(events);
      await append(storage, "b", [counted(0)]);
      for (const events of [[keyed("1"), counted(1)], [keyed("1")], [keyed("1"), counted(2), keyed("2")]]) {
        placed.length = 0;
        const { written } = await append(storage, "a", events, { onPlaced });
        const last = placed.at(-1) ?? [];
        const stored = (await readAll(storage, "a")).slice(-written);
        if (written > 0 && placed.length > 0)
          expect(last.map((event) => decodeEvent(event.event, event))).toEqual(stored);
        else expect(last).toEqual([]);
      }
    });

    test("tells the place of the last event, and how many are new", async (storage) => {
      const result = await append(storage, "a", countedUpTo(3));

      const last = (await readAll(storage, "a")).at(-1);
      expect(result).toEqual({ version: 3, position: last?.position, written: 3 });
    });

    test("without events stores nothing and returns the place of the stream's end, whatever version is expected", async (storage) => {
      expect(await append(storage, "a", [])).toEqual({ version: 0, position: 0, written: 0 });
      expect(await append(storage, "a", [], { expectedVersion: "exists" })).toEqual({
        version: 0,
        position: 0,
        written: 0,
      });

      const { position } = await append(storage, "a", countedUpTo(2));
      await append(storage, "b", [counted(1)]);

      expect(await append(storage, "a", [])).toEqual({ version: 2, position, written: 0 });
      expect(await append(storage, "a", [], { expectedVersion: 7 })).toEqual({ version: 2, position, written: 0 });
      expect(await storage.getVersion("a")).toBe(2);
    });

    test("stores none of the events when one of them is refused", async (storage) => {
      await append(storage, "a", [keyed("key", 1)]);

      await failureOf(append(storage, "a", [counted(2), counted(3), keyed("key", "something else")]));

      expect(versionsOf(await readAll(storage, "a"))).toEqual([1]);
      expect(await storage.getVersion("a")).toBe(1);
    });

    test("goes on without a gap in the versions after an append that failed", async (storage) => {
      const before = await append(storage, "a", [counted(1)]);
      await failureOf(append(storage, "a", [counted(9)], { expectedVersion: 0 }));
      const after = await append(storage, "a", [counted(2)]);

      expect(after.version).toBe(2);
      expect(after.position > before.position).toBe(true);
      expect(numbersOf(await readAll(storage, "a"))).toEqual([1, 2]);
    });

    test("stores thousands of events as one step", async (storage) => {
      const result = await append(storage, "a", countedUpTo(5_000), { expectedVersion: 0 });

      const events = await readAll(storage, "a");
      expect(result).toEqual({ version: 5_000, position: events.at(-1)?.position, written: 5_000 });
      expect(numbersOf(events).every((number, index) => number === index + 1)).toBe(true);
      expect(events.length).toBe(5_000);
      expect(isStrictlyRising(positionsOf(events))).toBe(true);
    });
  });
}
