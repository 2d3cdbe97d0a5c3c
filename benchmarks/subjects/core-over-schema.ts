import { crc32 } from "node:zlib";
import { type AppendRequest, decideAppend, type NewEvent, sqliteStreamFactory } from "async-streams";
import type { Durability, Store, Subject } from "../subject.js";
import { coreOverLoop } from "./core-over-loop.js";
import { floor } from "./floor.js";
import { floorPragmas } from "./floor-schema.js";

/**
 * As `core-over-floor`, but over the library's own tables: with what they check, numbers in the place of names, ids as
 * bytes, and a checksum for each event.
 */
export const coreOverSchema = overSchema("core-over-schema", ({ events }) => events);

/**
 * The same with the core's decision on each append, as every adapter has to make it. It has the file to itself and
 * remembers all heads, it looks up no keys, and it tells nobody: less than any store does that keeps the library's
 * promises.
 */
export const decidedOverSchema: Subject = {
  ...overSchema("decided-over-schema", (request, version) => decideAppend(request, { version, findByKey }).fresh),
  isOnRequest: true,
};

function findByKey(): undefined {
  return undefined;
}

/** Which events of an append are stored, in a stream of this version. */
type Decide = (request: AppendRequest, version: number) => readonly NewEvent[];

function overSchema(name: string, decide: Decide): Subject {
  return {
    name,
    format: "library",
    settings: floor.settings,
    packages: floor.packages,
    only: ["W3"],
    whyMissing: floor.whyMissing,
    open: (path, durability) => openCore(name, decide, path, durability),
  };
}

const INSERT_EVENT = `
  INSERT INTO es_events (position, stream, version, timestamp, schema, codec, type, id, data, metadata, checksum)
  VALUES (?, ?, ?, ?, 1, 0, ?, unhex(?, '-'), ?, ?, ?)`;

async function openCore(name: string, decide: Decide, path: string, durability: Durability): Promise<Store> {
  await makeTables(path);
  const { default: BetterSqlite } = await import("better-sqlite3");
  const database = new BetterSqlite(path);
  database.exec(floorPragmas(durability));
  database.exec("PRAGMA foreign_keys = ON");
  const insert = database.prepare(INSERT_EVENT);
  const streamNumber = numbers("streams");
  const typeNumber = numbers("types");
  const versions = new Map<string, number>();
  let position = 0;

  const storeGroup = database.transaction((group: readonly AppendRequest[]) => {
    for (const request of group) {
      const { streamId } = request;
      let version = versions.get(streamId) ?? 0;
      for (const event of decide(request, version)) {
        version += 1;
        position += 1;
        const { id, type, data, metadata } = event;
        const timestampMs = Date.now();
        const checksum = checksumOf(event, `1 0 ${position} ${version} ${timestampMs} ${streamId}`);
        const place = [position, streamNumber(streamId), version, timestampMs, typeNumber(type)];
        insert.run([...place, id, data, metadata, checksum]);
      }
      versions.set(streamId, version);
    }
  });
  return coreOverLoop({ name, storeGroup, close: () => database.close() });

  function numbers(table: string): (name: string) => number {
    const add = database.prepare(`INSERT INTO ${table} (name) VALUES (?)`);
    const known = new Map<string, number>();
    return (name) => {
      const number = known.get(name);
      if (number !== undefined) return number;
      const added = Number(add.run(name).lastInsertRowid);
      known.set(name, added);
      return added;
    };
  }
}

/** Lets the library make them. */
async function makeTables(path: string): Promise<void> {
  const factory = await sqliteStreamFactory(path, { driver: "better-sqlite3" });
  await factory[Symbol.asyncDispose]();
}

function checksumOf({ id, type, data, metadata }: NewEvent, place: string): number {
  return crc32(`${place}\0${type}\0${id}\0${metadata ?? ""}\0${data}`) | 0;
}
