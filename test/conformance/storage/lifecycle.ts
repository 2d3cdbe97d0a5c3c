import type { StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, wholeNumbers } from "../support/sample-events.js";
import { append, readPage } from "../support/storage-calls.js";

export function describeLifecycle({ describe, test, expect }: Suite<StorageHandle>): void {
  describe("the storage handle", () => {
    test("may be disposed of twice, one after the other and at once", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      await Promise.all([storage[Symbol.asyncDispose](), storage[Symbol.asyncDispose]()]);
      await storage[Symbol.asyncDispose]();
    });

    test("may be disposed of unused", async (storage) => {
      await storage[Symbol.asyncDispose]();
    });

    test("refuses every call once it has been disposed of", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      await storage[Symbol.asyncDispose]();
      const state = { codec: "json", bytes: new Uint8Array([1]) };
      const snapshot = { streamId: "a", projection: "p", version: 1, timestamp: new Date(), state };

      for (const call of [
        () => append(storage, "a", [counted(4)]),
        () => readPage(storage, "a"),
        () => storage.getVersion("a"),
        () => storage.getMetrics("a"),
        () => storage.saveSnapshot(snapshot),
        () => storage.loadSnapshot({ streamId: "a", projection: "p" }),
      ]) {
        expect(await failureOf(call())).toMatchObject({ code: "STREAM_CLOSED" });
      }
    });

    test("finishes the appends that it has accepted before it is disposed of", async (storage) => {
      let unfinished = 30;
      const issued = wholeNumbers(1, 30).map((number) =>
        append(storage, "a", [counted(number)]).finally(() => {
          unfinished -= 1;
        }),
      );
      await storage[Symbol.asyncDispose]();
      const results = await Promise.all(issued);

      expect(unfinished).toBe(0);
      expect(results.map((result) => result.version)).toEqual(wholeNumbers(1, 30));
    });
  });
}
