import { copyFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import sqlite3 from "sqlite3";
import { sharedServer } from "../../support/postgres-stores.js";
import { createTempDir } from "../../support/temp-dir.js";
import { removeStore } from "./crashed-store.js";
import type { EitherStore, StoreAddress } from "./store-address.js";

/** A copy of a store: a backup, or a dump of the server's. */
export interface StoreCopy {
  /** Puts it where nothing is; what is there goes with it. */
  putElsewhere(): Promise<{ readonly address: StoreAddress } & AsyncDisposable>;
  /** Puts it in the place of the store. */
  putInPlace(who: "nobody has it open" | "somebody has it open"): Promise<void>;
}

/** Copies a store, also while others use it. */
export function copyStoreAt(address: StoreAddress, streams: EitherStore): Promise<StoreCopy> {
  return "path" in address ? copyFileAt(address.path, streams) : copySchemas(address);
}

let copies = 0;

async function copyFileAt(path: string, streams: EitherStore): Promise<StoreCopy> {
  copies += 1;
  const backup = `${path}.backup-${copies}`;
  await streams.backup(backup);
  return {
    async putElsewhere() {
      const folder = await createTempDir();
      const copy = folder.file("copy.db");
      await copyFile(backup, copy);
      return { address: { path: copy }, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
    },
    async putInPlace(who) {
      if (who === "somebody has it open") return restoreInto(path, backup);
      await removeStore(path);
      await copyFile(backup, path);
    },
  };
}

/** What the package's types leave out: https://github.com/TryGhost/node-sqlite3/wiki/API#databasebackupdestination-destname-sourcename-filenameisdest-callback */
interface RestorableDatabase extends sqlite3.Database {
  backup(path: string, from: string, to: string, isTarget: false): Restore;
}

interface Restore {
  readonly completed: boolean;
  step(pages: number, done: (error: Error | null) => void): void;
  finish(done: () => void): void;
}

const RESTORE_EVERY_MS = 5;

/** Writes a backup over a database through SQLite's own locks, as `.restore` of its shell does. */
async function restoreInto(path: string, backup: string): Promise<void> {
  const database = new sqlite3.Database(path) as RestorableDatabase;
  try {
    const restore = database.backup(backup, "main", "main", false);
    while (!restore.completed) {
      await new Promise<void>((resolve, reject) => {
        restore.step(-1, (error) => (error === null ? resolve() : reject(error)));
      });
      if (!restore.completed) await delay(RESTORE_EVERY_MS);
    }
    await new Promise<void>((resolve) => restore.finish(resolve));
  } finally {
    await new Promise((resolve) => database.close(resolve));
  }
}

const server = sharedServer();

async function copySchemas({ schema, applicationSchema }: Exclude<StoreAddress, { path: string }>): Promise<StoreCopy> {
  const started = await server();
  const dump = await started.dump(schema, applicationSchema);
  // What begins with a backslash is for psql.
  const statements = dump.replaceAll(/^\\.*$/gm, "");
  return {
    async putElsewhere() {
      copies += 1;
      const database = `copy_${copies}`;
      await started.query(`CREATE DATABASE ${database}`);
      await started.query(statements, [], database);
      return {
        address: { url: started.url(database), schema, applicationSchema },
        [Symbol.asyncDispose]: async () => void (await started.query(`DROP DATABASE ${database} WITH (FORCE)`)),
      };
    },
    async putInPlace() {
      await started.query(`DROP SCHEMA ${schema}, ${applicationSchema} CASCADE; ${statements}`);
    },
  };
}
