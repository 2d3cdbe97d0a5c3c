import type { AppendUnit, AtomicStorage, CandidateEvent, StorageHandle } from "../../../protocols/index.js";
import { parseFilter } from "../../../src/filter/parse-filter.js";
import { encodeEvents } from "../../../src/write/encode-events.js";
import type { Suite } from "../suite.js";
import { ATOMIC_STORAGE } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, keyed, numbersOf } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

type Request = AppendUnit["requests"][number];

function request(
  streamId: string,
  events: readonly CandidateEvent[],
  expectedVersion: Request["expectedVersion"] = "any",
): Request {
  const encoded = { streamId, events: encodeEvents(streamId, events), expectedVersion };
  return events.length === 0 ? { ...encoded, checkOnly: true } : encoded;
}

function appendAll(storage: AtomicStorage, requests: readonly Request[], unit: Partial<AppendUnit> = {}) {
  return storage.appendAll({ conditions: [], ...unit, requests });
}

export function describeAppendAll({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("an append to several streams, where the storage has one of its own", () => {
    testWith(ATOMIC_STORAGE, "stores all events, in order, and returns a result for each stream", async (storage) => {
      await append(storage, "b", [counted(0)]);
      const results = await appendAll(storage, [
        request("a", countedUpTo(2), 0),
        request("b", [counted(3)], 1),
        request("c", [], 0),
      ]);

      const events = await readAll(storage, "@all");
      expect(numbersOf(events)).toEqual([0, 1, 2, 3]);
      expect(results).toEqual([
        { version: 2, position: events[2]?.position, written: 2 },
        { version: 2, position: events[3]?.position, written: 1 },
        { version: 0, position: 0, written: 0 },
      ]);
    });

    testWith(
      ATOMIC_STORAGE,
      "stores nothing when a stream is at another version, a checked one too",
      async (storage) => {
        await append(storage, "b", [counted(0)]);
        for (const conflict of [request("b", [counted(2)], 0), request("b", [], 0), request("missing", [], "exists")]) {
          expect(await failureOf(appendAll(storage, [request("a", [counted(1)]), conflict]))).toMatchObject({
            code: "CONCURRENCY_CONFLICT",
            streamId: conflict.streamId,
          });
        }
        expect(numbersOf(await readAll(storage, "@all"))).toEqual([0]);
      },
    );

    testWith(
      ATOMIC_STORAGE,
      "stores nothing when a condition does not hold, and asks none for a retry",
      async (storage) => {
        const conditions = [{ anyOf: [parseFilter([{ field: "type", op: "=", value: "Keyed" }])], after: 0 }];
        const requests = [request("a", [keyed("1")], 0), request("b", [keyed("2")], 0)];
        await appendAll(storage, requests, { conditions });

        const again = await appendAll(storage, requests, { conditions });
        expect(again.map(({ written }) => written)).toEqual([0, 0]);
        expect(await failureOf(appendAll(storage, [request("c", [counted(1)])], { conditions }))).toMatchObject({
          code: "CONDITION_FAILED",
          streamId: "a",
          type: "Keyed",
        });
        expect((await readAll(storage, "@all")).length).toBe(2);
      },
    );

    testWith(ATOMIC_STORAGE, "that is aborted already rejects with the reason", async (storage) => {
      const reason = new Error("changed my mind");
      const aborted = appendAll(storage, [request("a", [counted(1)])], { signal: AbortSignal.abort(reason) });

      expect(await failureOf(aborted)).toBe(reason);
      expect(await storage.getVersion("a")).toBe(0);
    });

    testWith(ATOMIC_STORAGE, "fails once the storage is disposed of", async (storage) => {
      await storage[Symbol.asyncDispose]();

      expect(await failureOf(appendAll(storage, [request("a", [counted(1)])]))).toMatchObject({
        code: "STREAM_CLOSED",
      });
    });
  });
}
