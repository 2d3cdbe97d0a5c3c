import { type Durability, type Store, type Subject, unsupported } from "../subject.js";
import { floor } from "./floor.js";
import { openFloorDatabase } from "./floor-database.js";
import { rowOf } from "./floor-row.js";

/**
 * The floor, but the rows of a batch are made before the time that counts: no JSON is written and no id is made, and
 * what is left is to bind, to insert and to commit. It shows how much of the floor's time a store that inserts row by row
 * cannot save, and so how much remains for making rows.
 */
export const floorReadyRows: Subject = {
  name: "floor-ready-rows",
  format: floor.format,
  settings: floor.settings,
  packages: floor.packages,
  only: ["W2", "W2u"],
  whyMissing: floor.whyMissing,
  open: openReadyRows,
};

async function openReadyRows(path: string, durability: Durability): Promise<Store> {
  const { database, insert, streamNumber } = await openFloorDatabase(path, durability);
  let ready: ReturnType<typeof rowOf>[] = [];
  const insertReady = database.transaction(() => {
    for (const row of ready) insert.run(row);
  });

  return {
    append: () => unsupported("floor-ready-rows", "call for single events"),
    prepareBatch(streamId, events, version) {
      const stream = streamNumber(streamId);
      ready = events.map((event, index) => rowOf(stream, version + 1 + index, event));
    },
    appendBatch() {
      insertReady();
    },
    readAll: () => unsupported("floor-ready-rows", "call for reading"),
    readLast: () => unsupported("floor-ready-rows", "call for reading"),
    close() {
      database.close();
    },
  };
}
