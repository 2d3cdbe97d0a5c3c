import type { Database, Statement } from "better-sqlite3";
import type { Durability } from "../subject.js";
import { FLOOR_SCHEMA, floorPragmas, INSERT_EVENT, INSERT_STREAM, SELECT_STREAM } from "./floor-schema.js";

/** What the floors over `better-sqlite3` share. */
export interface FloorDatabase {
  readonly database: Database;
  readonly insert: Statement;
  /** The number of a stream, which is added when it is new. */
  streamNumber(streamId: string): number;
}

export async function openFloorDatabase(path: string, durability: Durability): Promise<FloorDatabase> {
  // Loaded here, so that the processes of other subjects are without it.
  const { default: BetterSqlite } = await import("better-sqlite3");
  const database = new BetterSqlite(path);
  database.exec(floorPragmas(durability));
  database.exec(FLOOR_SCHEMA);
  const streams = new Map<string, number>();

  function addStream(streamId: string): number {
    database.prepare(INSERT_STREAM).run(streamId);
    const { id } = database.prepare(SELECT_STREAM).get(streamId) as { id: number };
    streams.set(streamId, id);
    return id;
  }

  return {
    database,
    insert: database.prepare(INSERT_EVENT),
    streamNumber: (streamId) => streams.get(streamId) ?? addStream(streamId),
  };
}
