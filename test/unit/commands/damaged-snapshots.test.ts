import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { type Fold, loadState } from "../../../src/commands/index.js";
import { streamContextOf } from "../../../src/stream/context-access.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { Store } from "../consumers/support/stores.js";
import { type Account, type AccountEvent, account, deposited } from "./support/account.js";

const fold: Fold<Account, AccountEvent> = { ...account, snapshot: { every: 4 } };

/** A store, and what damages the snapshots in it. */
interface DamagedStore {
  readonly streams: Store;
  readonly damage: () => Promise<unknown>;
}

async function saveInNewerForm(streams: Store): Promise<void> {
  const state = { codec: "json+zstd", bytes: Buffer.from("{}") };
  const snapshot = { streamId: "a", projection: "account@1", version: 10, timestamp: new Date(), state };
  await streamContextOf(streams).storage.saveSnapshot(snapshot);
}

/** Has a store disposed of at the end of the test. */
function used<T extends AsyncDisposable>(store: T): T {
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}

async function inMemory(): Promise<DamagedStore> {
  const streams = used(memoryStreamFactory());
  return { streams, damage: () => saveInNewerForm(streams) };
}

async function inFile(code: string): Promise<DamagedStore> {
  const path = used(await createTempDir()).file("store.db");
  const streams = used(await sqliteStreamFactory(path));
  const flipBit = async () => {
    const connection = await DRIVERS.sqlite3.open(path, "existing");
    await connection.exec("UPDATE es_snapshots SET state = CAST(replace(state, '10', '11') AS BLOB)");
    await connection.close();
  };
  return { streams, damage: code === "STORAGE_CORRUPT" ? flipBit : () => saveInNewerForm(streams) };
}

const server = sharedServer(THROWAWAY);

async function onServer(code: string): Promise<DamagedStore> {
  const schemas = ownSchemas();
  const started = await server();
  const streams = used(await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" }));
  const flipBit = () =>
    started.query(`UPDATE ${schemas.schema}.es_snapshots SET state = set_bit(state, 80, 1 - get_bit(state, 80))`);
  return { streams, damage: code === "STORAGE_CORRUPT" ? flipBit : () => saveInNewerForm(streams) };
}

const CASES: [string, string, (code: string) => Promise<DamagedStore>][] = [
  // Nothing but its own process changes what is in memory.
  ["memory", "STORAGE_NEWER_SCHEMA", inMemory],
  ["SQLite", "STORAGE_CORRUPT", inFile],
  ["SQLite", "STORAGE_NEWER_SCHEMA", inFile],
];
if (NO_POSTGRES === null) {
  CASES.push(["PostgreSQL", "STORAGE_CORRUPT", onServer], ["PostgreSQL", "STORAGE_NEWER_SCHEMA", onServer]);
}

function skippedSnapshots(): unknown[] {
  const list: unknown[] = [];
  const listener = (message: unknown): void => void list.push(message);
  subscribe("async-streams:commands", listener);
  onTestFinished(() => void unsubscribe("async-streams:commands", listener));
  return list;
}

describe.each(CASES)("over %s, a snapshot that cannot be used (%s)", (_, code, open) => {
  /** A store with ten events, a snapshot of them that was damaged, and an event behind it. */
  async function openDamaged(): Promise<Store> {
    const { streams, damage } = await open(code);
    const stream = await streams.openStream("a");
    await stream.write(Array.from({ length: 10 }, () => deposited(1)));
    await stream.snapshot({ balance: 10, owner: null }, { projection: "account@1", version: 10 });
    await damage();
    await stream.write(deposited(1));
    return streams;
  }

  test("is passed over, which is reported, and replaced by a new one", async () => {
    const streams = await openDamaged();
    const told = skippedSnapshots();
    expect(await loadState(streams, fold, "a")).toEqual({ version: 11, state: { balance: 11, owner: null } });
    expect(told).toMatchObject([{ kind: "snapshot-skipped", streamId: "a", projection: "account@1", error: { code } }]);
    const stream = await streams.openStream("a");
    await expect.poll(async () => (await stream.loadSnapshot({ projection: "account@1" }))?.version).toBe(11);
    expect(await loadState(streams, fold, "a", { atVersion: 3 })).toMatchObject({ state: { balance: 3 } });
  });

  test("is the error where nothing else leads to the state", async () => {
    const streams = await openDamaged();
    await streams.pruneStream("a", { before: 5 });
    for (const each of [fold, account]) await expect(loadState(streams, each, "a")).rejects.toMatchObject({ code });
  });

  test("is removed with the others of its version", async () => {
    const streams = await openDamaged();
    await loadState(streams, { ...fold, version: 2 }, "a");
    const stream = await streams.openStream("a");
    await expect.poll(() => stream.loadSnapshot({ projection: "account@1" })).toBeNull();
  });
});
