import { readFile } from "node:fs/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../../adapters/memory/index.js";
import { openPostgresBackend } from "../../../adapters/postgres/postgres-stream-factory.js";
import { backupToFile } from "../../../adapters/sqlite/backup-to-file.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { AdministrableStorage, StreamBackend, TransactionalStorage } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { allEventsOf } from "../../conformance/support/transactions.js";
import { overriding } from "../../support/overriding.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { createTempDir } from "../../support/temp-dir.js";
import { type Streams, storageOf } from "./support/rich-store.js";

// What is removed from a store of another adapter while a SQLite file is made of it is not in the file.

type OpenBackend = () => Promise<StreamBackend<AdministrableStorage & TransactionalStorage>>;

const BACKENDS: [string, OpenBackend][] = [
  [
    "memory",
    async () => {
      const storage = new MemoryStorageHandle(Date.now);
      return { storage, notifier: new MemoryNotifier(storage) };
    },
  ],
];
if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  BACKENDS.push([
    "PostgreSQL",
    async () => openPostgresBackend((await server()).url(), { ...ownSchemas(), durability: "normal" }),
  ]);
}

const STREAM_IDS = ["gone", "pruned", "kept"];
const ROUNDS = 5;
const ROUND_EVENTS = 700;
const EVENTS = STREAM_IDS.length * ROUNDS * ROUND_EVENTS;

const secret = (streamId: string, round: number, count = ROUND_EVENTS) =>
  Array.from({ length: count }, (_, index) => ({
    type: "Noted",
    data: { text: `secret of ${streamId} ${round} ${index} ${"x".repeat(index % 300)}` },
    idempotencyKey: `key of ${streamId} ${round} ${index}`,
  }));

async function fill(streams: Streams): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const id of STREAM_IDS) await (await streams.openStream(id)).write(secret(id, round));
  }
  await (await streams.openStream("gone")).snapshot({ text: "secret snapshot of gone" });
  await streams.setStreamMetadata("gone", { owner: "secret owner of gone" });
}

describe.each(BACKENDS)("a backup of a store in %s during which something is removed", (_, openBackend) => {
  /** Makes a copy of a store. The task runs before the store is read again once that part of its events is copied. */
  async function backUp(part: number, task: (streams: Streams) => Promise<unknown>) {
    const folder = await createTempDir();
    onTestFinished(() => folder[Symbol.asyncDispose]());
    const backend = await openBackend();
    const streams = createStreamFactory(backend);
    onTestFinished(() => streams[Symbol.asyncDispose]());
    await fill(streams);
    const storage = storageOf(streams);
    let isDue = false;
    let isDone = false;
    const exportContents: typeof storage.exportContents = async (work) => {
      if (isDue && !isDone) {
        isDone = true;
        await task(streams);
      }
      return storage.exportContents(work);
    };
    const paused = createStreamFactory({ ...backend, storage: overriding(storage, { exportContents }) as never });
    const target = folder.file("copy.db");
    const report = await backupToFile(paused, target, {
      onProgress: ({ copiedEvents, totalEvents }) => {
        isDue ||= copiedEvents >= totalEvents * part;
      },
    });
    expect(isDone).toBe(true);
    const bytes = (await readFile(target)).toString("latin1");
    const copy = await sqliteStreamFactory(target);
    onTestFinished(() => copy[Symbol.asyncDispose]());
    expect(await copy.verify()).toMatchObject({ ok: true, problems: [] });
    return { report, bytes, copy };
  }

  test.each([0.1, 1])("has a deleted stream's tombstone and not a byte of what it had: at %d", async (part) => {
    const { copy, bytes, report } = await backUp(part, (streams) => streams.deleteStream("gone"));
    expect(bytes).not.toMatch(/secret [a-z ]*of gone/);
    expect(bytes).not.toContain("key of gone");
    expect(bytes).toContain("secret of kept 4");
    expect(report).toMatchObject({ events: (EVENTS / 3) * 2 + 1 });
    const version = EVENTS / 3 + 1;
    expect(await copy.describeStream("gone")).toMatchObject({ version, deleted: true, metadata: null });
    expect((await allEventsOf(copy)).filter(({ streamId }) => streamId === "gone")).toMatchObject([
      { version, type: "@deleted" },
    ]);
  });

  test("lacks what was pruned, and knows its keys", async () => {
    const { copy, bytes } = await backUp(1, (streams) => streams.pruneStream("pruned", { before: 3_001 }));
    // The keys stay, and with them the first events of a batch that are sent again.
    expect(bytes).not.toContain("secret of pruned 3");
    expect(bytes).toContain("secret of pruned 4");
    expect(await copy.describeStream("pruned")).toMatchObject({ firstVersion: 3_001, version: 3_500 });
    const stream = await copy.openStream("pruned");
    expect(await stream.write(secret("pruned", 0, 2))).toMatchObject({ version: 2, written: 0 });
  });
});
