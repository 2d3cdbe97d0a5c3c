import { open } from "sqlite";
import sqlite3 from "sqlite3";

/**
 * What one would write by hand over the same driver: a prepared INSERT for each event, batches inside a transaction,
 * and rows that are parsed one by one. The version check is the unique index.
 */
export async function openFloor(
  path: string,
  durability: "full" | "normal",
  event: { readonly type: string; readonly data: unknown; readonly metadata: unknown },
) {
  const database = await open({ filename: path, driver: sqlite3.Database });
  await database.exec(`
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = ${durability.toUpperCase()};
    CREATE TABLE events (
      position INTEGER PRIMARY KEY AUTOINCREMENT, stream TEXT NOT NULL, version INTEGER NOT NULL,
      timestamp INTEGER NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL, metadata TEXT, UNIQUE (stream, version));
  `);
  const insert = await database.prepare(
    "INSERT INTO events (stream, version, timestamp, type, data, metadata) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const insertOne = (streamId: string, version: number) =>
    insert.run(streamId, version, Date.now(), event.type, JSON.stringify(event.data), JSON.stringify(event.metadata));
  return {
    async append(streamId: string, count: number, version: number): Promise<void> {
      if (count > 1) await database.run("BEGIN IMMEDIATE");
      for (let index = 1; index <= count; index += 1) await insertOne(streamId, version + index);
      if (count > 1) await database.run("COMMIT");
    },
    async readAll(streamId: string): Promise<number> {
      type EventRow = { data: string; metadata: string; timestamp: number };
      const rows = await database.all<EventRow[]>("SELECT * FROM events WHERE stream = ? ORDER BY version", [streamId]);
      return rows.map((row) => ({
        ...row,
        data: JSON.parse(row.data),
        metadata: JSON.parse(row.metadata),
        timestamp: new Date(row.timestamp),
      })).length;
    },
    async close(): Promise<void> {
      await insert.finalize();
      await database.close();
    },
  };
}
