import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect, eventsOf, take } from "../support/collect.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, positionsOf } from "../support/sample-events.js";

export function describeHandleVersion({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  describe("the version of a handle", () => {
    test("follows what the handle writes, and not what others write", async (streams) => {
      const [writer, other] = [await streams.openStream("a"), await streams.openStream("a")];
      await writer.write(countedUpTo(2));
      expect([writer.version, other.version]).toEqual([2, 0]);

      await other.write(counted(3));
      expect([writer.version, other.version]).toEqual([2, 3]);
    });

    test("follows what the handle reads, event by event, and never goes back", async (streams) => {
      const [writer, reader] = [await streams.openStream("a"), await streams.openStream("a")];
      await writer.write(countedUpTo(5));
      const versions: number[] = [];
      for await (const event of reader.read()) {
        versions.push(reader.version);
        if (event.version === 3) break;
      }
      expect(versions).toEqual([1, 2, 3]);

      await collect(reader.read({ limit: 1 }));
      expect(reader.version).toBe(3);
      await take(reader.read({ direction: "backward" }), 1);
      expect(reader.version).toBe(5);
    });

    test("follows what the handle watches", async (streams) => {
      const [writer, watcher] = [await streams.openStream("a"), await streams.openStream("a")];
      const versions: number[] = [];
      const observation = new Observation(watcher.watch(), () => versions.push(watcher.version));
      await writer.write(countedUpTo(3));
      await eventually("all events are watched", () => observation.events.length === 3);
      observation.unsubscribe();

      expect(versions).toEqual([1, 2, 3]);
    });

    test("is a position on @all", async (streams) => {
      const early = await streams.openStream(ALL_STREAM);
      expect(early.version).toBe(0);
      await (await streams.openStream("a")).write(countedUpTo(3));
      const { position } = await (await streams.openStream("b")).write(countedUpTo(2));

      expect(early.version).toBe(0);
      expect((await streams.openStream(ALL_STREAM)).version).toBe(position);
      const positions = positionsOf(await eventsOf(early));
      expect(early.version).toBe(positions.at(-1));
    });

    test("is not moved by snapshots and metrics", async (streams) => {
      const [writer, other] = [await streams.openStream("a"), await streams.openStream("a")];
      await writer.write(countedUpTo(5));
      await other.snapshot({ sum: 3 }, { version: 2 });
      await other.loadSnapshot();
      await other.metrics();
      expect(other.version).toBe(0);

      await writer.snapshot({ sum: 3 }, { version: 2 });
      expect(writer.version).toBe(5);
      expect((await streams.openStream("a")).version).toBe(5);
    });
  });
}
