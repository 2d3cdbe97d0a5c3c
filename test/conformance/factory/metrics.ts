import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { eventsOf } from "../support/collect.js";
import { countedUpTo } from "../support/sample-events.js";

export function describeMetrics({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("metrics", () => {
    test("are zero, and no time, for a stream without events", async (streams) => {
      const stream = await streams.openStream("a");

      expect(await stream.metrics()).toEqual({ currentVersion: 0, eventCount: 0, lastTimestamp: null });
    });

    test("tell what is stored, not what the handle remembers", async (streams) => {
      const [behind, writer] = [await streams.openStream("a"), await streams.openStream("a")];
      await writer.write(countedUpTo(4));

      const last = (await eventsOf(writer)).at(-1);
      const metrics = await behind.metrics();
      expect(metrics).toEqual({ currentVersion: 4, eventCount: 4, lastTimestamp: last?.timestamp });
      expect(metrics.lastTimestamp instanceof Date).toBe(true);
      expect(behind.version).toBe(0);
    });
  });
}
