import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type SQLiteOptions, sqliteStreamFactory } from "async-streams";
import type { Subject } from "../subject.js";
import { library, libraryBetter } from "./library.js";

const REGISTER = new URL("../unchecked/register.js", import.meta.url).href;

/** The library without the checksum of each event and without the witness of the head: what these two cost. */
export const libraryUnchecked = unchecked(library, {});

/** The same over its other driver. */
export const libraryBetterUnchecked = unchecked(libraryBetter, { driver: "better-sqlite3" });

function unchecked(checked: Subject, options: SQLiteOptions): Subject {
  const { format, settings, packages, open } = checked;
  return {
    name: `${checked.name}-unchecked`,
    format,
    settings,
    packages,
    only: ["W1", "W2", "W2u", "W3"],
    isOnRequest: true,
    nodeOptions: ["--import", REGISTER],
    whyMissing: async () => (await checked.whyMissing()) ?? (await whyStillChecked(options)),
    open,
  };
}

/** Longer than the library puts off the witness. */
const WITNESS_MS = 200;

/** A library that has its checks after all would be compared with itself. */
async function whyStillChecked(options: SQLiteOptions): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), "unchecked-"));
  const path = join(folder, "store.db");
  try {
    const isWitnessed = await writeOne(path, options);
    const isUnchecked = !isWitnessed && (await readChecksum(path)) === 0;
    return isUnchecked ? null : "the checks could not be taken out of the library";
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** @returns whether there was a witness */
async function writeOne(path: string, options: SQLiteOptions): Promise<boolean> {
  await using streams = await sqliteStreamFactory(path, options);
  await using stream = await streams.openStream("account");
  await stream.write({ type: "Opened", data: {} });
  await sleep(WITNESS_MS);
  return existsSync(`${path}-head`);
}

async function readChecksum(path: string): Promise<unknown> {
  const { default: Database } = await import("better-sqlite3");
  const database = new Database(path, { readonly: true });
  try {
    return database.prepare("SELECT checksum FROM events").pluck().get();
  } finally {
    database.close();
  }
}
