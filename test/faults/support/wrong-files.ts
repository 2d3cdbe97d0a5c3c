import { execFileSync } from "node:child_process";
import { chmod, copyFile, readFile, truncate, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { open } from "sqlite";
import sqlite3 from "sqlite3";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { createTempDir } from "../../support/temp-dir.js";

/** A store with a few events. */
export async function makeStore(path: string): Promise<void> {
  await using streams = await sqliteStreamFactory(path);
  await using stream = await streams.openStream("a");
  for (let index = 0; index < 20; index += 1) await stream.write({ type: "A", data: "x".repeat(2_000) });
}

/** A store with its log beside it, as a kill leaves it. */
async function makeUnfinishedStore(path: string): Promise<void> {
  await using folder = await createTempDir();
  const source = folder.file("store.db");
  await makeStore(source);
  await using streams = await sqliteStreamFactory(source);
  await using stream = await streams.openStream("a");
  await stream.write({ type: "B", data: 1 });
  for (const ending of ["", "-wal"]) await copyFile(`${source}${ending}`, `${path}${ending}`);
}

/** What is refused, and by which code. */
export interface Refusal {
  readonly name: string;
  readonly code: string;
}

export interface WrongFile extends Refusal {
  /** Makes what is wrong at the path of a store. */
  readonly make: (path: string) => Promise<unknown>;
}

/** Stores that the process's user may not use. */
export const CLOSED_FILES: readonly WrongFile[] = [
  {
    name: "a file that may only be read",
    make: (path) => storeWithMode(path, 0o444),
    code: "STORAGE_PERMISSION_DENIED",
  },
  {
    name: "a file that may only be written",
    make: (path) => storeWithMode(path, 0o222),
    code: "STORAGE_PERMISSION_DENIED",
  },
  { name: "a file that is closed", make: (path) => storeWithMode(path, 0), code: "STORAGE_PERMISSION_DENIED" },
  {
    name: "a folder that may only be read, with a store",
    make: async (path) => {
      await makeStore(path);
      await chmod(dirname(path), 0o555);
    },
    code: "STORAGE_PERMISSION_DENIED",
  },
  {
    name: "a folder that may only be read, without one",
    make: (path) => chmod(dirname(path), 0o555),
    code: "STORAGE_PERMISSION_DENIED",
  },
  { name: "a folder that is closed", make: (path) => chmod(dirname(path), 0), code: "STORAGE_PERMISSION_DENIED" },
  {
    name: "a log that may only be read",
    make: async (path) => {
      await makeUnfinishedStore(path);
      await chmod(`${path}-wal`, 0o444);
    },
    code: "STORAGE_PERMISSION_DENIED",
  },
  {
    name: "a log that is closed",
    make: async (path) => {
      await makeUnfinishedStore(path);
      await chmod(`${path}-wal`, 0);
    },
    code: "STORAGE_PERMISSION_DENIED",
  },
];

async function storeWithMode(path: string, mode: number): Promise<void> {
  await makeStore(path);
  await chmod(path, mode);
}

/** Files that are no store, or no longer one. */
export const STRANGE_FILES: readonly WrongFile[] = [
  {
    name: "a store that was cut inside its header",
    make: async (path) => {
      await makeStore(path);
      await truncate(path, 60);
    },
    code: "STORAGE_NOT_A_DATABASE",
  },
  {
    name: "a store that was cut behind its header",
    make: async (path) => {
      await makeStore(path);
      await truncate(path, 100);
    },
    code: "STORAGE_CORRUPT",
  },
  {
    name: "a store whose first page is damaged",
    make: async (path) => {
      await makeStore(path);
      const content = await readFile(path);
      await writeFile(path, content.fill(0xa5, 100, 4_096));
    },
    code: "STORAGE_CORRUPT",
  },
  {
    name: "a store that lost its end",
    make: async (path) => {
      await makeStore(path);
      await truncate(path, 3 * 4_096);
    },
    code: "STORAGE_CORRUPT",
  },
  {
    name: "another program's database with its log",
    make: async (path) => {
      await using folder = await createTempDir();
      const other = await open({ filename: folder.file("other.db"), driver: sqlite3.Database });
      await other.exec(
        "PRAGMA journal_mode = WAL; CREATE TABLE notes (text); PRAGMA wal_checkpoint(TRUNCATE); INSERT INTO notes VALUES ('a')",
      );
      for (const ending of ["", "-wal"]) await copyFile(folder.file(`other.db${ending}`), `${path}${ending}`);
      await other.close();
    },
    code: "STORAGE_FOREIGN_DATABASE",
  },
  {
    name: "a pipe",
    make: async (path) => execFileSync("mkfifo", [path]),
    code: "STORAGE_NOT_A_DATABASE",
  },
];
