import type { BenchEvent } from "../bench-event.js";
import { type Durability, type Store, type Subject, unsupported } from "../subject.js";
import { floor } from "./floor.js";
import { openFloorDatabase } from "./floor-database.js";
import { rowOf } from "./floor-row.js";

/**
 * The floor, but appends that come in one turn of the event loop share a transaction. It shows what there is to be
 * gained by sharing commits: what is left is SQLite's work for each event.
 */
export const floorGrouped: Subject = {
  name: "floor-grouped",
  format: "floor",
  settings: floor.settings,
  packages: floor.packages,
  only: ["W3"],
  whyMissing: floor.whyMissing,
  open: openGrouped,
};

interface Waiting {
  readonly streamId: string;
  readonly version: number;
  readonly event: BenchEvent;
  readonly stored: () => void;
}

async function openGrouped(path: string, durability: Durability): Promise<Store> {
  const { database, insert, streamNumber } = await openFloorDatabase(path, durability);
  let waiting: Waiting[] = [];

  const store = database.transaction((group: readonly Waiting[]) => {
    for (const { streamId, version, event } of group) insert.run(rowOf(streamNumber(streamId), version + 1, event));
  });

  function storeWaiting(): void {
    const group = waiting;
    waiting = [];
    store(group);
    for (const { stored } of group) stored();
  }

  return {
    append(streamId, event, version) {
      return new Promise<void>((stored) => {
        if (waiting.length === 0) setImmediate(storeWaiting);
        waiting.push({ streamId, version, event, stored });
      });
    },
    appendBatch: () => unsupported("floor-grouped", "call for batches"),
    readAll: () => unsupported("floor-grouped", "call for reading"),
    readLast: () => unsupported("floor-grouped", "call for reading"),
    close() {
      database.close();
    },
  };
}
