import { randomUUID } from "node:crypto";
import type { BenchEvent } from "../bench-event.js";
import type { Durability, Store, Subject } from "../subject.js";
import { FLOOR_SCHEMA, INSERT_EVENT, INSERT_EVENTS, SELECT_LAST, SELECT_STREAM } from "./floor-postgres-schema.js";
import { POSTGRES_SETTINGS, whyServerIsMissing, withDurability } from "./postgres-durability.js";

/** What one would write by hand over a pool of `pg`: an append is one INSERT with a guard, which commits by itself. */
export const floorPostgres: Subject = {
  name: "floor-postgres",
  format: "floor-postgres",
  settings: POSTGRES_SETTINGS,
  only: ["P1", "P2", "P3", "P4", "P6"],
  needsServer: true,
  packages: ["pg"],
  whyMissing: whyServerIsMissing,
  open: openFloor,
};

interface Row {
  readonly position: string;
  readonly version: string;
  readonly timestamp: Date;
  readonly type: string;
  readonly data: string;
  readonly metadata: string | null;
  readonly id: string;
}

async function openFloor(url: string, durability: Durability): Promise<Store> {
  // Loaded here, so that the processes of other subjects are without it.
  const { default: pg } = await import("pg");
  const pool = new pg.Pool({ connectionString: withDurability(url, durability) });
  await pool.query(FLOOR_SCHEMA);

  async function insert(name: string, text: string, values: readonly unknown[]): Promise<void> {
    const { rowCount } = await pool.query({ name, text, values: [...values] });
    if (rowCount === 0) throw new Error("the stream is not at the expected version");
  }
  async function read(name: string, text: string, values: readonly unknown[]): Promise<number> {
    const { rows } = await pool.query<Row>({ name, text, values: [...values] });
    return rows.map(parseRow).length;
  }
  return {
    append: (streamId, event, version) => insert("append", INSERT_EVENT, [streamId, version, ...valuesOf(event)]),
    appendBatch(streamId, events, version) {
      const rows = events.map(valuesOf);
      const columns = [0, 1, 2, 3].map((column) => rows.map((row) => row[column]));
      return insert("append_batch", INSERT_EVENTS, [streamId, version, ...columns]);
    },
    readAll: (streamId) => read("read", SELECT_STREAM, [streamId]),
    readLast: (streamId, count) => read("read_last", SELECT_LAST, [streamId, count]),
    close: () => pool.end(),
  };
}

function valuesOf({ type, data, metadata }: BenchEvent): readonly (string | null)[] {
  return [type, JSON.stringify(data), metadata === undefined ? null : JSON.stringify(metadata), randomUUID()];
}

/** The event of a row, as the library would hand it out. */
function parseRow({ data, metadata, position, version, ...row }: Row): unknown {
  return {
    ...row,
    position: Number(position),
    version: Number(version),
    data: JSON.parse(data),
    metadata: metadata === null ? null : JSON.parse(metadata),
  };
}
