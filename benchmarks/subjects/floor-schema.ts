import type { Durability } from "../subject.js";

/** How both floors are set up. */
export const FLOOR_SETTINGS: Readonly<Record<Durability, string>> = {
  normal: "WAL, synchronous NORMAL",
  full: "WAL, synchronous FULL",
};

/** What the library asks of SQLite beside the schema: the same log, the same flushes, the same cache. */
export function floorPragmas(durability: Durability): string {
  return `
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability === "full" ? "FULL" : "NORMAL"};
    PRAGMA cache_size = -16384;`;
}

/**
 * The tables that one would make by hand for what the library stores: streams as small integers, positions that never
 * come again, one event a version, an id for each event, and keys that are unique in their stream.
 */
export const FLOOR_SCHEMA = `
  CREATE TABLE IF NOT EXISTS streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE IF NOT EXISTS events (
    position  INTEGER PRIMARY KEY AUTOINCREMENT,
    stream    INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    timestamp INTEGER NOT NULL,
    type      TEXT NOT NULL,
    data      TEXT NOT NULL,
    metadata  TEXT,
    id        TEXT NOT NULL,
    has_key   INTEGER NOT NULL,
    UNIQUE (stream, version)
  );
  CREATE UNIQUE INDEX IF NOT EXISTS events_by_key ON events (stream, id) WHERE has_key = 1;`;

export const INSERT_STREAM = "INSERT OR IGNORE INTO streams (name) VALUES (?)";
export const SELECT_STREAM = "SELECT id FROM streams WHERE name = ?";

export const INSERT_EVENT = `
  INSERT INTO events (stream, version, timestamp, type, data, metadata, id, has_key) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

export const SELECT_FORWARD = "SELECT * FROM events WHERE stream = ? AND version > ? ORDER BY version LIMIT ? + 0";
export const SELECT_BACKWARD = "SELECT * FROM events WHERE stream = ? ORDER BY version DESC LIMIT ? + 0";
export const SELECT_TYPE = `
  SELECT events.*, streams.name FROM events JOIN streams ON streams.id = events.stream
  WHERE type = ? ORDER BY position`;
