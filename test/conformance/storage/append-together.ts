import type { AppendRequest, StorageHandle, StorageSession, StoredEvent } from "../../../protocols/index.js";
import { encodeEvents } from "../../../src/write/encode-events.js";
import type { Suite } from "../suite.js";
import { SHARED_TRANSACTIONS } from "../support/capabilities.js";
import { counted, numbersOf } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";
import { ChangedMyMind } from "../support/transactions.js";

function request(streamId: string, count: number, options: Partial<AppendRequest> = {}): AppendRequest {
  return { streamId, events: encodeEvents(streamId, [counted(count)]), expectedVersion: "any", ...options };
}

async function eventsIn(session: StorageSession): Promise<readonly StoredEvent[]> {
  const page = await session.readPage({ streamId: "@all", after: 0, limit: 100, direction: "forward" });
  return page.events;
}

const noJoin = async (): Promise<void> => undefined;
const streamsOf = (requests: readonly AppendRequest[]) => requests.map(({ streamId }) => streamId);

/** Joins, and fails with each of these streams. */
function joining(joins: string[][], failing: readonly string[]) {
  return async (session: StorageSession, stored: readonly AppendRequest[]): Promise<void> => {
    joins.push(streamsOf(stored));
    for (const streamId of streamsOf(stored)) await session.records.put("joined", streamId, {});
    if (stored.some(({ streamId }) => failing.includes(streamId))) throw new ChangedMyMind();
  };
}

export function describeAppendTogether({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("appends that share a transaction, where the storage has it", () => {
    testWith(SHARED_TRANSACTIONS, "are joined once, by what sees all of them", async (storage) => {
      await append(storage, "a", [counted(1)]);
      const seen: unknown[] = [];
      const outcomes = await storage.appendTogether?.(
        () => [request("a", 2), request("b", 3), request("a", 4)],
        async (session, stored) => {
          seen.push(streamsOf(stored), numbersOf(await eventsIn(session)));
          await session.append(request("c", 5));
        },
      );

      expect(outcomes).toMatchObject([
        { result: { version: 2, written: 1 } },
        { result: { version: 1, written: 1 } },
        { result: { version: 3, written: 1 } },
      ]);
      expect(seen).toEqual([
        ["a", "b", "a"],
        [1, 2, 3, 4],
      ]);
      expect(numbersOf(await readAll(storage, "@all"))).toEqual([1, 2, 3, 4, 5]);
    });

    testWith(
      SHARED_TRANSACTIONS,
      "have outcomes of their own, and are joined without those that store nothing",
      async (storage) => {
        const joins: string[][] = [];
        const keyed = { events: encodeEvents("a", [{ ...counted(1), idempotencyKey: "key" }]) };
        await storage.append(request("a", 1, keyed));
        const requests = [request("a", 1, keyed), request("b", 2, { expectedVersion: 7 }), request("c", 3)];
        const outcomes = await storage.appendTogether?.(() => requests, joining(joins, []));

        expect(outcomes).toMatchObject([
          { result: { version: 1, written: 0 } },
          { error: { code: "CONCURRENCY_CONFLICT", streamId: "b", actualVersion: 0 } },
          { result: { version: 1, written: 1 } },
        ]);
        expect(await storage.appendTogether?.(() => requests.slice(0, 2), joining(joins, []))).toMatchObject(
          outcomes?.slice(0, 2) ?? [],
        );
        expect(joins).toEqual([["c"]]);
      },
    );

    testWith(SHARED_TRANSACTIONS, "are tried alone when the joining fails, before any later call", async (storage) => {
      const joins: string[][] = [];
      const requests = ["a", "bad", "b", "worse", "c"].map((streamId, index) => request(streamId, index + 1));
      const together = storage.appendTogether?.(() => requests, joining(joins, ["bad", "worse"]));
      const [outcomes] = await Promise.all([together, append(storage, "later", [counted(6)])]);

      expect(joins).toEqual([streamsOf(requests), ["a"], ["bad"], ["b"], ["worse"], ["c"]]);
      expect((outcomes ?? []).map((outcome) => ("error" in outcome ? outcome.error : outcome.result.version))).toEqual([
        1,
        new ChangedMyMind(),
        1,
        new ChangedMyMind(),
        1,
      ]);
      expect(numbersOf(await readAll(storage, "@all"))).toEqual([1, 3, 5, 6]);
      const keys = await storage.transact(async ({ records }) => records.list("joined"), {});
      expect(keys.map(({ key }) => key)).toEqual(["a", "b", "c"]);
      expect(await append(storage, "bad", [counted(7)])).toMatchObject({ version: 1 });
    });

    testWith(
      SHARED_TRANSACTIONS,
      "are taken when the transaction begins, in the order of the calls",
      async (storage) => {
        const requests = [request("a", 2)];
        const before = append(storage, "a", [counted(1)]);
        const together = storage.appendTogether?.(() => requests, noJoin);
        const after = append(storage, "a", [counted(4)]);
        requests.push(request("b", 3));
        await Promise.all([before, together, after]);

        expect(numbersOf(await readAll(storage, "@all"))).toEqual([1, 2, 3, 4]);
      },
    );

    testWith(SHARED_TRANSACTIONS, "may be one, which fails alone, or none", async (storage) => {
      const joins: string[][] = [];
      const join = joining(joins, ["bad"]);
      expect(await storage.appendTogether?.(() => [], join)).toEqual([]);
      expect(await storage.appendTogether?.(() => [request("bad", 1)], join)).toEqual([{ error: new ChangedMyMind() }]);
      expect(joins).toEqual([["bad"]]);
      expect(await readAll(storage, "@all")).toEqual([]);
    });
  });
}
