import { expect, test } from "vitest";
import { ALL_STREAM, sqliteStreamFactory } from "../../../index.js";
import { sqliteReadModels } from "../../../projections.js";
import { sql } from "../../../src/transaction/sql-statement.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { createTempDir } from "../../support/temp-dir.js";
import { WorkerThread } from "./support/worker-thread.js";

const EVENT = { type: "FromMain", data: null };

test("a worker that is terminated in a transaction leaves nothing of it, and keeps nobody waiting", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const a = await streams.openStream("a");
  const task = { kind: "stay in a transaction", manner: "waits", timeoutMs: 60_000 } as const;
  await using worker = new WorkerThread(streams, task);
  await worker.report("begun");
  const written = a.write(EVENT);
  await worker.terminate();

  expect(await written).toMatchObject({ version: 1 });
  expect((await eventsOf(a)).map(({ type }) => type)).toEqual(["FromMain"]);
});

test("a worker that does nothing else than spin in a transaction is timed out", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const a = await streams.openStream("a");
  const task = { kind: "stay in a transaction", manner: "spins", timeoutMs: 50 } as const;
  await using worker = new WorkerThread(streams, task);
  await worker.report("begun");

  expect(await a.write(EVENT)).toMatchObject({ version: 1 });
  expect((await eventsOf(a)).map(({ type }) => type)).toEqual(["FromMain"]);
});

test("a worker that does not get to its messages is sent few, and then reads everything, in order", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const a = await streams.openStream("a");
  const flag = new SharedArrayBuffer(4);
  await a.write(EVENT);
  await using worker = new WorkerThread(streams, { kind: "watch", flag, count: 1_001 });
  await worker.report("stopped");
  const sentBefore = worker.messagesSent;
  for (let count = 0; count < 1_000; count += 1) await a.write({ type: "FromMain", data: "x".repeat(1_000) });
  const sentMeanwhile = worker.messagesSent - sentBefore;
  Atomics.store(new Int32Array(flag), 0, 1);
  Atomics.notify(new Int32Array(flag), 0);

  expect(await worker.report("watched")).toEqual(Array.from({ length: 1_001 }, (_, index) => index + 1));
  expect(sentMeanwhile).toBeLessThanOrEqual(2);
});

test("a worker that is terminated while it watches leaves the store as it was", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const a = await streams.openStream("a");
  await a.write(EVENT);
  await using worker = new WorkerThread(streams, { kind: "watch", flag: new SharedArrayBuffer(4), count: 2 });
  await worker.report("stopped");
  await worker.terminate();

  expect(await a.write([EVENT, EVENT])).toMatchObject({ version: 3 });
  expect((await eventsOf(await streams.openStream(ALL_STREAM))).length).toBe(3);
});

test("errors have the same class and the same fields in a worker", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const a = await streams.openStream("a");
  const conflict = await a.write(EVENT, { expectedVersion: 7 }).catch((error) => error);
  await using worker = new WorkerThread(streams, { kind: "fail" });

  expect(await worker.report("conflict")).toEqual({ ...conflict, message: conflict.message });
  expect(await worker.report("failure")).toEqual({ code: "STORAGE_FAILED", isCauseError: true });
});

test("a worker projects into a file of its own, where each event is once although a worker was terminated", async () => {
  await using folder = await createTempDir();
  await using streams = await sqliteStreamFactory(folder.file("events.db"));
  const task = { kind: "project", path: folder.file("models.db"), position: 3_000 } as const;
  const a = await streams.openStream("a");
  const deposit = { type: "Deposited", data: { amount: 1 } };
  await a.write(Array.from({ length: 1_500 }, () => deposit));
  {
    await using worker = new WorkerThread(streams, task);
    await worker.report("running");
  }
  await a.write(Array.from({ length: 1_500 }, () => deposit));
  await using worker = new WorkerThread(streams, task);

  expect(await worker.report("rows")).toEqual([{ id: "a", balance: 3_000 }]);
  await using models = await sqliteReadModels(folder.file("models.db"), { driver: "better-sqlite3" });
  expect(await models.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3_000 }]);
});
