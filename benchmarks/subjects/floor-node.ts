import { type Store, type Subject, unsupported } from "../subject.js";
import { type FloorRow, parseRow } from "./floor-row.js";
import { FLOOR_SETTINGS, floorPragmas, SELECT_BACKWARD, SELECT_STREAM } from "./floor-schema.js";

/**
 * The floor's reads over Node's own SQLite, for what the library does over it: against the floor over `better-sqlite3`
 * the drivers would be compared as well.
 */
export const floorNode: Subject = {
  name: "floor-node",
  format: "floor",
  settings: FLOOR_SETTINGS,
  only: ["W5"],
  packages: [],
  async whyMissing() {
    try {
      await loadSqlite();
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  },
  async open(path, durability): Promise<Store> {
    const { DatabaseSync } = await loadSqlite();
    const database = new DatabaseSync(path);
    database.exec(floorPragmas(durability));
    const backward = database.prepare(SELECT_BACKWARD);
    const streams = new Map<string, number>();

    function streamNumber(streamId: string): number {
      const found = streams.get(streamId) ?? (database.prepare(SELECT_STREAM).get(streamId) as { id: number }).id;
      streams.set(streamId, found);
      return found;
    }

    return {
      append: () => unsupported("floor-node", "append"),
      appendBatch: () => unsupported("floor-node", "appendBatch"),
      readAll: () => unsupported("floor-node", "readAll"),
      readLast(streamId, limit) {
        const rows = backward.all(streamNumber(streamId), limit) as unknown as FloorRow[];
        return rows.map((row) => parseRow(row, streamId)).length;
      },
      close: () => database.close(),
    };
  },
};

interface NodeSqlite {
  readonly DatabaseSync: new (
    path: string,
  ) => {
    exec(sql: string): void;
    prepare(sql: string): { all(...values: unknown[]): unknown[]; get(...values: unknown[]): unknown };
    close(): void;
  };
}

async function loadSqlite(): Promise<NodeSqlite> {
  // A variable, because the oldest Node that is supported has no such module and no types for it.
  const name = "node:sqlite";
  return (await import(name)) as NodeSqlite;
}
