import { type Store, type Subject, unsupported } from "../subject.js";

const NO_LOG = "the size is the same in every one";

/**
 * The smallest table that keeps an event's place, type, time and key, with the two unique indexes that versions and keys
 * need. It has no room for data, metadata, ids without a key or checksums: what is left up to the goal is for these.
 */
export const smallestSchema: Subject = {
  name: "smallest-schema",
  format: "smallest-schema",
  settings: { normal: NO_LOG, full: NO_LOG },
  packages: ["better-sqlite3"],
  only: ["W11"],
  whyMissing: async () => null,
  open: openSmallest,
};

const SCHEMA = `
  CREATE TABLE events (
    position  INTEGER PRIMARY KEY,
    stream    INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    type      INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    key       TEXT NOT NULL,
    UNIQUE (stream, version),
    UNIQUE (stream, key)
  );`;

/** Names of streams and types would be stored once; a number stands for each. */
const STREAM = 1;
const TYPE = 1;

async function openSmallest(path: string): Promise<Store> {
  const { default: Database } = await import("better-sqlite3");
  const database = new Database(path);
  database.exec(SCHEMA);
  const insert = database.prepare("INSERT INTO events (stream, version, type, timestamp, key) VALUES (?, ?, ?, ?, ?)");
  const appendAll = database.transaction((events: Parameters<Store["appendBatch"]>[1], version: number) => {
    for (const [index, { idempotencyKey }] of events.entries()) {
      insert.run(STREAM, version + 1 + index, TYPE, Date.now(), idempotencyKey);
    }
  });

  return {
    append: () => unsupported("smallest-schema", "call for single events"),
    appendBatch: (_streamId, events, version) => appendAll(events, version),
    readAll: () => unsupported("smallest-schema", "call for reading"),
    readLast: () => unsupported("smallest-schema", "call for reading"),
    close() {
      database.close();
    },
  };
}
