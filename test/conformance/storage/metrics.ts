import { ALL_STREAM, type StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

export function describeMetrics({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("metrics", () => {
    test("of a stream without events are zero, and no time", async (storage) => {
      const empty = { currentVersion: 0, eventCount: 0, lastTimestamp: null };
      expect(await storage.getMetrics("a")).toEqual(empty);
      expect(await storage.getMetrics(ALL_STREAM)).toEqual(empty);

      await append(storage, "other", [counted(1)]);
      expect(await storage.getMetrics("a")).toEqual(empty);
    });

    test("tell the version, the number of events and the time of the last", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      await append(storage, "b", countedUpTo(5));
      await append(storage, "a", [counted(4)]);

      const last = (await readAll(storage, "a")).at(-1);
      const metrics = await storage.getMetrics("a");
      expect(metrics).toEqual({ currentVersion: 4, eventCount: 4, lastTimestamp: last?.timestamp });
      expect(metrics.lastTimestamp instanceof Date).toBe(true);
      expect(await storage.getVersion("a")).toBe(4);
    });

    test("of @all tell the last position and the events of every stream", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      await append(storage, "b", countedUpTo(5));

      const last = (await readAll(storage, ALL_STREAM)).at(-1);
      expect(await storage.getMetrics(ALL_STREAM)).toEqual({
        currentVersion: last?.position,
        eventCount: 8,
        lastTimestamp: last?.timestamp,
      });
    });

    test("do not count what was refused", async (storage) => {
      await append(storage, "a", countedUpTo(2));
      await failureOf(append(storage, "a", [counted(3)], { expectedVersion: 0 }));

      expect(await storage.getMetrics("a")).toMatchObject({ currentVersion: 2, eventCount: 2 });
    });
  });
}
