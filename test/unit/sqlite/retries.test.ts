import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { CandidateEvent } from "../../../protocols/index.js";
import { openRecordedStore, type RecordedStore } from "../../support/recorded-store.js";
import type { RecordedCall } from "../../support/recording-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";

// A write that is stored already is answered by reading, since what is stored stays stored.

const keyed = (number: number): CandidateEvent => ({ type: "Paid", data: { number }, idempotencyKey: `key-${number}` });

/** What the connection that writes does while the task runs. */
async function writerCalls(store: RecordedStore, task: () => Promise<unknown>): Promise<readonly RecordedCall[]> {
  return (await store.callsDuring(task)).filter(({ mode }) => mode !== "readonly");
}

describe.each(DRIVER_NAMES)("retries through %s", (driver) => {
  test("one retry after the other takes one statement each, and no transaction", async () => {
    await using store = await openRecordedStore(driver);
    const stream = await store.streams.openStream("account");
    for (let number = 1; number <= 5; number += 1) await stream.write(keyed(number));
    const results: unknown[] = [];
    await stream.write(keyed(1), { expectedVersion: 0 });

    const calls = await writerCalls(store, async () => {
      for (let number = 1; number <= 5; number += 1) {
        results.push(await stream.write(keyed(number), { expectedVersion: number - 1 }));
      }
    });
    expect(results).toEqual([1, 2, 3, 4, 5].map((place) => ({ version: place, position: place, written: 0 })));
    expect(calls).toHaveLength(5);
    expect(calls.every(({ sql }) => /^\s*SELECT/.test(sql))).toBe(true);
  });

  test("a retry among new writes costs its group no transaction either", async () => {
    await using store = await openRecordedStore(driver);
    const stream = await store.streams.openStream("account");
    await stream.write([keyed(1), keyed(2)]);

    const calls = await writerCalls(store, async () => {
      const writes = [stream.write(keyed(3)), stream.write(keyed(1)), stream.write(keyed(4))];
      expect(await Promise.all(writes)).toEqual([
        { version: 3, position: 3, written: 1 },
        { version: 1, position: 1, written: 0 },
        { version: 4, position: 4, written: 1 },
      ]);
    });
    // The insertion that a stored key refuses, the keys, and the insertion of what is new.
    expect(calls).toHaveLength(3);
    expect(await stream.write(keyed(5), { expectedVersion: 4 })).toEqual({ version: 5, position: 5, written: 1 });
  });

  test("a retry is answered, and a new write placed, behind what another process has written since", async () => {
    await using store = await openRecordedStore(driver);
    await using others = await sqliteStreamFactory(store.path, { driver });
    const stream = await store.streams.openStream("account");
    const theirs = await others.openStream("account");
    await stream.write(keyed(1));
    await stream.write(keyed(1));
    await theirs.write(keyed(2));

    expect(await stream.write(keyed(2))).toEqual({ version: 2, position: 2, written: 0 });
    await theirs.write(keyed(3));
    expect(await stream.write(keyed(4))).toEqual({ version: 4, position: 4, written: 1 });
    await theirs.write(keyed(5));
    expect(await Promise.all([stream.write(keyed(5)), stream.write(keyed(6))])).toEqual([
      { version: 5, position: 5, written: 0 },
      { version: 6, position: 6, written: 1 },
    ]);
  });

  test("after a retry, a key for another event and a wrong version are refused as ever", async () => {
    await using store = await openRecordedStore(driver);
    const stream = await store.streams.openStream("account");
    await stream.write([keyed(1), keyed(2)]);
    for (let round = 0; round < 2; round += 1) {
      expect(await stream.write([keyed(1), keyed(2)], { expectedVersion: 0 })).toMatchObject({
        version: 2,
        written: 0,
      });
      const changed = { ...keyed(1), data: { number: 2 } };
      await expect(stream.write(changed)).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
      expect(await stream.write(keyed(1))).toMatchObject({ version: 1, written: 0 });
      const behind = stream.write([keyed(2), keyed(3)], { expectedVersion: 2 });
      await expect(behind).rejects.toMatchObject({ code: "CONCURRENCY_CONFLICT", actualVersion: 2 });
    }
    expect(await stream.write([])).toMatchObject({ version: 2, written: 0 });
  });

  test("a retry of more keys than one statement looks for is answered", async () => {
    await using store = await openRecordedStore(driver);
    const stream = await store.streams.openStream("account");
    const many = Array.from({ length: 5_000 }, (_, number) => keyed(number));
    await stream.write(many);
    for (let round = 0; round < 2; round += 1) {
      expect(await stream.write(many)).toEqual({ version: 5_000, position: 5_000, written: 0 });
    }
  });

  test("a retry of an event that is not there any more stores it again", async () => {
    await using store = await openRecordedStore(driver);
    const stream = await store.streams.openStream("account");
    await stream.write([keyed(1), keyed(2)]);
    await stream.write(keyed(2));
    const connection = await DRIVERS[driver].open(store.path, "create");
    // What a removal does: the events go, and the counter of positions moves on.
    await connection.exec(`
      DROP TRIGGER es_events_are_never_deleted;
      DELETE FROM es_events WHERE version = 2;
      UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'es_events'`);
    await connection.close();

    expect(await stream.write(keyed(2))).toEqual({ version: 2, position: 4, written: 1 });
    expect(await stream.write(keyed(1))).toEqual({ version: 1, position: 1, written: 0 });
  });
});
