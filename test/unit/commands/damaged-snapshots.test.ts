import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../../protocols/index.js";
import { type Fold, loadState } from "../../../src/commands/index.js";
import { streamContextOf } from "../../../src/stream/context-access.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { type Account, type AccountEvent, account, deposited } from "./support/account.js";

const fold: Fold<Account, AccountEvent> = { ...account, snapshot: { every: 4 } };

/** A store with ten events and a snapshot, of which something was changed. */
async function openDamaged(damage: (path: string, streams: StreamFactory) => Promise<void>) {
  const folder = await createTempDir();
  const path = folder.file("store.db");
  const streams = await sqliteStreamFactory(path);
  onTestFinished(async () => {
    await streams[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const stream = await streams.openStream("a");
  await stream.write(Array.from({ length: 10 }, () => deposited(1)));
  await stream.snapshot({ balance: 10, owner: null }, { projection: "account@1", version: 10 });
  await damage(path, streams);
  await stream.write(deposited(1));
  return streams;
}

function skippedSnapshots(): unknown[] {
  const list: unknown[] = [];
  const listener = (message: unknown): void => void list.push(message);
  subscribe("async-streams:commands", listener);
  onTestFinished(() => void unsubscribe("async-streams:commands", listener));
  return list;
}

async function flipBit(path: string): Promise<void> {
  const connection = await DRIVERS.sqlite3.open(path, "existing");
  await connection.exec("UPDATE es_snapshots SET state = CAST(replace(state, '10', '11') AS BLOB)");
  await connection.close();
}

async function saveInNewerForm(_: string, streams: StreamFactory): Promise<void> {
  const state = { codec: "json+zstd", bytes: Buffer.from("{}") };
  const snapshot = { streamId: "a", projection: "account@1", version: 10, timestamp: new Date(), state };
  await streamContextOf(streams).storage.saveSnapshot(snapshot);
}

describe.each([
  ["STORAGE_CORRUPT", flipBit],
  ["STORAGE_NEWER_SCHEMA", saveInNewerForm],
])("a snapshot that cannot be used (%s)", (code, damage) => {
  test("is passed over, which is reported, and replaced by a new one", async () => {
    const streams = await openDamaged(damage);
    const told = skippedSnapshots();
    expect(await loadState(streams, fold, "a")).toEqual({ version: 11, state: { balance: 11, owner: null } });
    expect(told).toMatchObject([{ kind: "snapshot-skipped", streamId: "a", projection: "account@1", error: { code } }]);
    const stream = await streams.openStream("a");
    await expect.poll(async () => (await stream.loadSnapshot({ projection: "account@1" }))?.version).toBe(11);
    expect(await loadState(streams, fold, "a", { atVersion: 3 })).toMatchObject({ state: { balance: 3 } });
  });

  test("is the error where nothing else leads to the state", async () => {
    const streams = await openDamaged(damage);
    await streams.pruneStream("a", { before: 5 });
    for (const each of [fold, account]) await expect(loadState(streams, each, "a")).rejects.toMatchObject({ code });
  });

  test("is removed with the others of its version", async () => {
    const streams = await openDamaged(damage);
    await loadState(streams, { ...fold, version: 2 }, "a");
    const stream = await streams.openStream("a");
    await expect.poll(() => stream.loadSnapshot({ projection: "account@1" })).toBeNull();
  });
});
