import type { Durability, Store, Subject } from "../subject.js";
import { openFloorDatabase } from "./floor-database.js";
import { type FloorRow, parseRow, rowOf } from "./floor-row.js";
import { FLOOR_SETTINGS, SELECT_BACKWARD, SELECT_FORWARD } from "./floor-schema.js";

/**
 * What the others are compared with: the loop that one would write by hand, synchronous, with prepared statements.
 * An append is one INSERT that commits by itself, and the unique index is its version check.
 */
export const floor: Subject = {
  name: "floor",
  format: "floor",
  settings: FLOOR_SETTINGS,
  packages: ["better-sqlite3"],
  whyMissing: async () => null,
  open: openFloor,
};

async function openFloor(path: string, durability: Durability): Promise<Store> {
  const { database, insert, streamNumber } = await openFloorDatabase(path, durability);
  const forward = database.prepare(SELECT_FORWARD);
  const backward = database.prepare(SELECT_BACKWARD);

  const appendAll = database.transaction(
    (stream: number, events: Parameters<Store["appendBatch"]>[1], version: number) => {
      let next = version;
      for (const event of events) {
        next += 1;
        insert.run(rowOf(stream, next, event));
      }
    },
  );

  return {
    append(streamId, event, version) {
      insert.run(rowOf(streamNumber(streamId), version + 1, event));
    },
    appendBatch(streamId, events, version) {
      appendAll(streamNumber(streamId), events, version);
    },
    readAll(streamId) {
      let count = 0;
      for (const row of forward.iterate(streamNumber(streamId), 0, -1)) {
        parseRow(row as FloorRow, streamId);
        count += 1;
      }
      return count;
    },
    readLast(streamId, limit) {
      const rows = backward.all(streamNumber(streamId), limit) as FloorRow[];
      return rows.map((row) => parseRow(row, streamId)).length;
    },
    close() {
      database.close();
    },
  };
}
