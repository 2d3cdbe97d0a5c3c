import type { BenchEvent } from "../bench-event.js";
import { type Durability, type Store, type Subject, unsupported } from "../subject.js";
import { floor } from "./floor.js";
import { rowOf } from "./floor-row.js";
import { FLOOR_SCHEMA, floorPragmas, INSERT_EVENT, INSERT_STREAM, SELECT_STREAM } from "./floor-schema.js";

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
  const { default: Database } = await import("better-sqlite3");
  const database = new Database(path);
  database.exec(floorPragmas(durability));
  database.exec(FLOOR_SCHEMA);
  const insert = database.prepare(INSERT_EVENT);
  const insertStream = database.prepare(INSERT_STREAM);
  const selectStream = database.prepare(SELECT_STREAM);
  const streams = new Map<string, number>();
  let waiting: Waiting[] = [];

  function streamNumber(streamId: string): number {
    const known = streams.get(streamId);
    if (known !== undefined) return known;
    insertStream.run(streamId);
    const { id } = selectStream.get(streamId) as { id: number };
    streams.set(streamId, id);
    return id;
  }

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
