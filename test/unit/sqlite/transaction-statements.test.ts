import { expect, test } from "vitest";
import { type StreamWrite, sql } from "../../../index.js";
import { openStoreOver } from "../../support/open-store.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { stopClock } from "../../support/stopped-clock.js";
import { createTempDir } from "../../support/temp-dir.js";

// Each statement is a hop to the thread pool and back: as many as these, and no more.
test("a transaction, and a write to several streams, take as few statements as they can", async () => {
  using _ = stopClock();
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  await using streams = await openStoreOver(driver, folder.file("store.db"));
  const statementsOf = async (task: () => Promise<unknown>): Promise<number> => {
    calls.length = 0;
    await task();
    return calls.length;
  };
  const transact = (streamId: string) =>
    streams.transaction(async (tx) => {
      for await (const _ of tx.read(streamId));
      await tx.write(streamId, { type: "A", data: 1 });
      await tx.sql.run(sql`INSERT INTO t VALUES (${streamId}, 1) ON CONFLICT (id) DO UPDATE SET n = n + 1`);
    });
  const known = Array.from({ length: 10 }, (_, index) => `known-${index}`);
  await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER)`));
  for (const streamId of known) await transact(streamId);

  // BEGIN, the last event, the three of the callback, and COMMIT.
  expect(await statementsOf(() => transact("known-0"))).toBe(6);
  // Each neighbour has a savepoint besides.
  expect(await statementsOf(() => Promise.all(known.map(transact)))).toBe(3 + 10 * 3 + 9 * 2);
  const unit: StreamWrite[] = known.map((streamId) => ({ streamId, events: { type: "A", data: 2 } }));
  expect(await statementsOf(() => streams.writeAll(unit))).toBe(1);
});
