import { expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoredEvent } from "../../../protocols/index.js";
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
