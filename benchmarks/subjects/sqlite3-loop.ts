import type { Durability, Store, Subject } from "../subject.js";
import { type FloorRow, parseRow, rowOf } from "./floor-row.js";
import {
  FLOOR_SCHEMA,
  FLOOR_SETTINGS,
  floorPragmas,
  INSERT_EVENT,
  INSERT_STREAM,
  SELECT_BACKWARD,
  SELECT_FORWARD,
  SELECT_STREAM,
} from "./floor-schema.js";

const PAGE_ROWS = 1_000;

/** A second floor: the same loop over the driver that the library uses by default. */
export const sqlite3Loop: Subject = {
  name: "sqlite3-loop",
  format: "floor",
  settings: FLOOR_SETTINGS,
  packages: ["sqlite3"],
  whyMissing: async () => null,
  open: openLoop,
};

async function openLoop(path: string, durability: Durability): Promise<Store> {
  // Loaded here, so that the processes of other subjects are without them.
  const [{ default: sqlite3 }, { open }] = await Promise.all([import("sqlite3"), import("sqlite")]);
  const database = await open({ filename: path, driver: sqlite3.Database });
  await database.exec(floorPragmas(durability) + FLOOR_SCHEMA);
  const insert = await database.prepare(INSERT_EVENT);
  const forward = await database.prepare(SELECT_FORWARD);
  const backward = await database.prepare(SELECT_BACKWARD);
  const streams = new Map<string, number>();

  async function addStream(streamId: string): Promise<number> {
    await database.run(INSERT_STREAM, streamId);
    const row = await database.get<{ id: number }>(SELECT_STREAM, streamId);
    const { id } = row as { id: number };
    streams.set(streamId, id);
    return id;
  }

  return {
    async append(streamId, event, version) {
      const stream = streams.get(streamId) ?? (await addStream(streamId));
      await insert.run(rowOf(stream, version + 1, event));
    },
    async appendBatch(streamId, events, version) {
      const stream = streams.get(streamId) ?? (await addStream(streamId));
      await database.run("BEGIN IMMEDIATE");
      for (const [index, event] of events.entries()) await insert.run(rowOf(stream, version + 1 + index, event));
      await database.run("COMMIT");
    },
    async readAll(streamId) {
      const stream = streams.get(streamId) ?? (await addStream(streamId));
      let count = 0;
      for (;;) {
        const rows = await forward.all<FloorRow[]>(stream, count, PAGE_ROWS);
        count += rows.map((row) => parseRow(row, streamId)).length;
        if (rows.length < PAGE_ROWS) return count;
      }
    },
    async readLast(streamId, limit) {
      const stream = streams.get(streamId) ?? (await addStream(streamId));
      const rows = await backward.all<FloorRow[]>(stream, limit);
      return rows.map((row) => parseRow(row, streamId)).length;
    },
    async close() {
      for (const statement of [insert, forward, backward]) await statement.finalize();
      await database.close();
    },
  };
}
