import type { AdministrableStorage, StorageHandle, StreamRow } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { ADMINISTRABLE_STORAGE } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { countedUpTo, wholeNumbers } from "../support/sample-events.js";
import { append, endStream } from "../support/storage-calls.js";

const METADATA_SPACE = "@streams";

/** Pages of a listing, joined. */
async function listAll(storage: AdministrableStorage, limit: number, prefix = ""): Promise<StreamRow[]> {
  const rows: StreamRow[] = [];
  for (;;) {
    const page = await storage.listStreams({ prefix, after: rows.at(-1)?.streamId ?? "", limit });
    rows.push(...page);
    if (page.length < limit) return rows;
  }
}

const idsOf = (rows: readonly StreamRow[]): string[] => rows.map(({ streamId }) => streamId);

export function describeListStreams({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("the list of streams, where the storage has it", () => {
    testWith(ADMINISTRABLE_STORAGE, "is empty in an empty store", async (storage) => {
      expect(await storage.listStreams({ prefix: "", after: "", limit: 10 })).toEqual([]);
    });

    testWith(ADMINISTRABLE_STORAGE, "says of each stream what is known of it", async (storage) => {
      const { position } = await append(storage, "a", countedUpTo(3));
      const revision = await storage.transact(({ records }) => records.put(METADATA_SPACE, "a", { owner: "ada" }), {});
      await storage.transact(({ records }) => records.put(METADATA_SPACE, "b", { owner: "bob" }), {});
      const { lastTimestamp } = await storage.getMetrics("a");
      const [a, b] = await storage.listStreams({ prefix: "", after: "", limit: 10 });

      expect(a).toStrictEqual({
        streamId: "a",
        version: 3,
        firstVersion: 1,
        eventCount: 3,
        lastPosition: position,
        lastTimestampMs: lastTimestamp?.getTime() as number,
        isDeleted: false,
        metadata: { owner: "ada" },
        metadataRevision: revision,
      } satisfies StreamRow);
      expect(b).toMatchObject({ streamId: "b", version: 0, firstVersion: 1, eventCount: 0, lastPosition: 0 });
      expect(b).toMatchObject({ lastTimestampMs: null, isDeleted: false, metadata: { owner: "bob" } });
    });

    testWith(ADMINISTRABLE_STORAGE, "has the ids in code-point order, also those without events", async (storage) => {
      const ids = ["a", "a\0z", "aa", "b", "\uffff", "\u{1f600}"];
      for (const id of [...ids].reverse()) {
        if (id !== "aa") await append(storage, id, countedUpTo(1));
      }
      await storage.transact(({ records }) => records.put(METADATA_SPACE, "aa", {}), {});

      expect(idsOf(await listAll(storage, 100))).toEqual(ids);
      expect(idsOf(await listAll(storage, 100, "a"))).toEqual(ids.slice(0, 3));
      expect(idsOf(await storage.listStreams({ prefix: "a", after: "a", limit: 1 }))).toEqual(["a\0z"]);
    });

    for (const limit of [1, 3, 20]) {
      testWith(ADMINISTRABLE_STORAGE, `holds each stream once in pages of ${limit}`, async (storage) => {
        const ids = wholeNumbers(10, 29).map((number) => `s-${number}`);
        for (const id of ids) await append(storage, id, countedUpTo(1));
        for (const id of ["r", "s", "t"]) await append(storage, id, countedUpTo(1));
        await storage.transact(({ records }) => records.put(METADATA_SPACE, "s-15", {}), {});

        expect(idsOf(await listAll(storage, limit, "s-"))).toEqual(ids);
      });
    }

    testWith(ADMINISTRABLE_STORAGE, "has deleted streams, and says that they are", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      await endStream(storage, "a");

      expect(await storage.listStreams({ prefix: "", after: "", limit: 10 })).toMatchObject([
        { streamId: "a", version: 4, isDeleted: true },
      ]);
    });

    testWith(ADMINISTRABLE_STORAGE, "is refused once the storage is disposed of", async (storage) => {
      await storage[Symbol.asyncDispose]();

      const listing = storage.listStreams({ prefix: "", after: "", limit: 10 });
      expect(await failureOf(listing)).toMatchObject({ code: "STREAM_CLOSED" });
    });
  });
}
