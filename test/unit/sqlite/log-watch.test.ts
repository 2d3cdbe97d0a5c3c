import { setTimeout as delay } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoredEvent } from "../../../protocols/index.js";
import { openStoreOver } from "../../support/open-store.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// So rarely that what is delivered cannot have come by polling.
const NEVER_MS = 2 ** 31 - 1;
const PATIENCE = { timeout: 30_000, interval: 5 };

test.runIf(process.platform === "linux")(
  "a watch hears of other writers from the file system, without waiting for a poll",
  async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using watching = await sqliteStreamFactory(path, { pollIntervalMs: NEVER_MS });
    await using writing = await sqliteStreamFactory(path);
    const seen: StoredEvent[] = [];
    const subscription = (await watching.openStream("a")).watch().subscribe((event) => seen.push(event));
    const stream = await writing.openStream("a");
    await stream.write({ type: "A", data: 1 });
    await vi.waitFor(() => expect(seen.map(({ version }) => version)).toEqual([1]), PATIENCE);
    subscription.unsubscribe();
    await stream.write({ type: "A", data: 2 });

    (await watching.openStream("a")).watch({ after: 1 }).subscribe((event) => seen.push(event));
    await stream.write({ type: "A", data: 3 });
    await vi.waitFor(() => expect(seen.map(({ version }) => version)).toEqual([1, 2, 3]), PATIENCE);
  },
);

test.runIf(process.platform === "linux")("a commit without events makes watchers poll a few times only", async () => {
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  const options = { durability: "normal", pollIntervalMs: NEVER_MS } as const;
  await using streams = await openStoreOver(driver, folder.file("store.db"), options);
  const stream = await streams.openStream("a");
  await stream.write({ type: "A", data: 0 });
  const seen: unknown[] = [];
  stream.watch({ after: 0 }).subscribe(({ data }) => seen.push(data));
  await vi.waitFor(() => expect(seen).toEqual([0]), PATIENCE);
  const polls = () => calls.filter(({ sql }) => sql === "PRAGMA data_version").length;
  const untilAtRest = async () => {
    for (let before = -1; before !== polls(); await delay(200)) before = polls();
  };
  await untilAtRest();

  calls.length = 0;
  await streams.transaction(({ records }) => records.put("settings", "a", {}));
  await vi.waitFor(() => expect(polls()).toBeGreaterThan(0), PATIENCE);
  await untilAtRest();

  expect(polls()).toBeLessThan(15);
});
