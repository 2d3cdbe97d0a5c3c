import { type AdministrableStorage, ALL_STREAM, type StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { ADMINISTRABLE_STORAGE, COUNTED_SNAPSHOTS } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { countedUpTo } from "../support/sample-events.js";
import { append, endStream } from "../support/storage-calls.js";

const STREAMS = ["a", "b"];
const PROJECTIONS = ["default", "other"];

async function save(storage: StorageHandle, streamId: string, projection: string, version: number): Promise<void> {
  const state = { codec: "json", bytes: new TextEncoder().encode("1") };
  await storage.saveSnapshot({ streamId, projection, version, timestamp: new Date(), state });
}

/** Two streams that each have snapshots of two projections, at the versions 1, 3 and 5. */
async function fill(storage: StorageHandle): Promise<void> {
  for (const streamId of STREAMS) {
    await append(storage, streamId, countedUpTo(5));
    for (const projection of PROJECTIONS) {
      for (const version of [1, 3, 5]) await save(storage, streamId, projection, version);
    }
  }
}

/** The snapshots that are left, such as `a default 3`. */
async function left(storage: AdministrableStorage): Promise<string[]> {
  const found: string[] = [];
  for (const streamId of STREAMS) {
    for (const projection of PROJECTIONS) {
      for (const atOrBefore of [1, 3, 5]) {
        const snapshot = await storage.loadSnapshot({ streamId, projection, atOrBefore });
        if (snapshot?.version === atOrBefore) found.push(`${streamId} ${projection} ${atOrBefore}`);
      }
    }
  }
  return found;
}

export function describeDeleteSnapshots({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("the removal of snapshots, where the storage has it", () => {
    testWith(ADMINISTRABLE_STORAGE, "takes those of one stream", async (storage) => {
      await fill(storage);

      expect(await storage.deleteSnapshots({ streamId: "a" })).toBe(6);
      expect((await left(storage)).filter((name) => name.startsWith("a"))).toEqual([]);
      expect(await left(storage)).toEqual(
        ["default", "other"].flatMap((name) => [1, 3, 5].map((at) => `b ${name} ${at}`)),
      );
      expect(await storage.deleteSnapshots({ streamId: "a" })).toBe(0);
    });

    testWith(ADMINISTRABLE_STORAGE, "takes those of one projection, and below one version", async (storage) => {
      await fill(storage);
      const all = await left(storage);

      expect(await storage.deleteSnapshots({ streamId: "a", projection: "other", below: 3 })).toBe(1);
      expect(await left(storage)).toEqual(all.filter((name) => name !== "a other 1"));
      expect(await storage.deleteSnapshots({ streamId: "b", below: 5 })).toBe(4);
      expect(await left(storage)).toEqual([
        "a default 1",
        "a default 3",
        "a default 5",
        "a other 3",
        "a other 5",
        "b default 5",
        "b other 5",
      ]);
    });

    testWith(COUNTED_SNAPSHOTS, "takes as many as are counted before it", async (storage) => {
      await fill(storage);

      for (const query of [
        { streamId: "a", projection: "other", below: 3 },
        { streamId: "a", below: 4 },
        { streamId: "b", projection: "default" },
        { streamId: "b" },
        { streamId: "c" },
      ]) {
        const count = await storage.countSnapshots(query);
        expect(await storage.deleteSnapshots(query)).toBe(count);
        expect(await storage.countSnapshots(query)).toBe(0);
      }
    });

    testWith(ADMINISTRABLE_STORAGE, "is final where the stream ends with a tombstone", async (storage) => {
      await fill(storage);
      await endStream(storage, "a");
      await storage.deleteSnapshots({ streamId: "a" });

      expect(await failureOf(save(storage, "a", "default", 3))).toMatchObject({
        code: "STREAM_DELETED",
        streamId: "a",
      });
      expect((await left(storage)).filter((name) => name.startsWith("a"))).toEqual([]);
    });
  });

  describe("snapshots of @all, where the storage can remove events", () => {
    testWith(ADMINISTRABLE_STORAGE, "are taken also when the store ends with a tombstone", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      const { position } = await endStream(storage, "a");
      await save(storage, ALL_STREAM, "default", position);

      expect(await storage.loadSnapshot({ streamId: ALL_STREAM, projection: "default" })).toMatchObject({
        version: position,
      });
    });
  });

  describe("free space, where the storage can give it back", () => {
    testWith(ADMINISTRABLE_STORAGE, "is given back in steps until there is none, or cannot be", async (storage) => {
      await append(storage, "a", countedUpTo(500));
      await storage.removeBefore({ streamId: "a", before: 500, limit: 1_000, keepKeys: false });
      try {
        for (;;) {
          const { freed, left: leftBytes } = await storage.reclaim(16_384);
          expect(freed >= 0 && leftBytes >= 0).toBe(true);
          if (freed === 0 || leftBytes === 0) break;
        }
      } catch (error) {
        expect(error).toMatchObject({ code: "STORAGE_UNSUPPORTED" });
      }
      expect(await append(storage, "a", countedUpTo(1))).toMatchObject({ version: 501 });
    });
  });
}
