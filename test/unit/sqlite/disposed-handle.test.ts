import { expect, test } from "vitest";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";

test("a storage handle that was disposed of refuses every call, and says so", async () => {
  const { storage, notifier } = await openSQLiteBackend(":memory:");
  await notifier[Symbol.asyncDispose]();
  await storage[Symbol.asyncDispose]();
  const state = { codec: "json", bytes: Buffer.from("1") };
  const calls = [
    storage.append({ streamId: "a", events: [], expectedVersion: "any" }),
    storage.readPage({ streamId: "a", after: 0, limit: 1, direction: "forward" }),
    storage.getVersion("a"),
    storage.getMetrics("a"),
    storage.saveSnapshot({ streamId: "a", projection: "p", version: 0, timestamp: new Date(), state }),
    storage.loadSnapshot({ streamId: "a", projection: "p" }),
  ];
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({
      status: "rejected",
      reason: { code: "STREAM_CLOSED", message: "The store :memory: has been disposed. Open a new one." },
    });
  }
});
