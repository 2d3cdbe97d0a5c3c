import type { Durability } from "../subject.js";
import { floorPragmas } from "./floor-schema.js";

/** The loop that one would write by hand over a driver: a batch of events, one upsert each, and where it is. */
export type HandProjection = (path: string, durability: Durability, batchSize: number) => Promise<void>;

interface Row {
  readonly position: number;
  readonly stream: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string | null;
}

const CREATE = `
  DROP TABLE IF EXISTS by_hand;
  DROP TABLE IF EXISTS by_hand_position;
  CREATE TABLE by_hand (id TEXT PRIMARY KEY, changes INTEGER NOT NULL);
  CREATE TABLE by_hand_position (position INTEGER NOT NULL);
  INSERT INTO by_hand_position VALUES (0);`;

/** Out of the library's own file, so that both project the same. */
const SELECT = `
  SELECT e.position, s.name AS stream, t.name AS type, e.data, e.metadata
  FROM es_events AS e JOIN es_streams AS s ON s.id = e.stream JOIN es_types AS t ON t.id = e.type
  WHERE e.position > ? ORDER BY e.position LIMIT ? + 0`;
const UPSERT = "INSERT INTO by_hand VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET changes = changes + 1";
const MOVE = "UPDATE by_hand_position SET position = ?";

/** The loop over `sqlite3`, where each statement is a promise. */
export const projectOverSqlite3: HandProjection = async (path, durability, batchSize) => {
  const [{ default: sqlite3 }, { open }] = await Promise.all([import("sqlite3"), import("sqlite")]);
  const database = await open({ filename: path, driver: sqlite3.Database });
  await database.exec(floorPragmas(durability) + CREATE);
  const [select, upsert, move] = await Promise.all([SELECT, UPSERT, MOVE].map((text) => database.prepare(text)));
  if (select === undefined || upsert === undefined || move === undefined) return;
  for (let position = 0; ; ) {
    const rows = await select.all<Row[]>(position, batchSize);
    const last = rows.at(-1);
    if (last === undefined) break;
    await database.run("BEGIN IMMEDIATE");
    for (const { stream } of rows.map(parseRow)) await upsert.run(stream);
    position = last.position;
    await move.run(position);
    await database.run("COMMIT");
  }
  for (const statement of [select, upsert, move]) await statement.finalize();
  await database.close();
};

/** What the synchronous drivers have in common. */
interface SynchronousDatabase {
  exec(text: string): unknown;
  prepare(text: string): { run(...values: unknown[]): unknown; all(...values: unknown[]): unknown[] };
  close(): unknown;
}

export const projectOverBetterSqlite3: HandProjection = async (path, durability, batchSize) => {
  const { default: BetterSqlite } = await import("better-sqlite3");
  projectSynchronously(new BetterSqlite(path), durability, batchSize);
};

export const projectOverNodeSqlite: HandProjection = async (path, durability, batchSize) => {
  // The types of the oldest Node lack it.
  const { DatabaseSync } = process.getBuiltinModule("node:sqlite") as unknown as {
    readonly DatabaseSync: new (path: string) => SynchronousDatabase;
  };
  projectSynchronously(new DatabaseSync(path), durability, batchSize);
};

function projectSynchronously(database: SynchronousDatabase, durability: Durability, batchSize: number): void {
  database.exec(floorPragmas(durability) + CREATE);
  const select = database.prepare(SELECT);
  const upsert = database.prepare(UPSERT);
  const move = database.prepare(MOVE);
  for (let position = 0; ; ) {
    const rows = select.all(position, batchSize) as Row[];
    const last = rows.at(-1);
    if (last === undefined) break;
    database.exec("BEGIN IMMEDIATE");
    for (const { stream } of rows.map(parseRow)) upsert.run(stream);
    position = last.position;
    move.run(position);
    database.exec("COMMIT");
  }
  database.close();
}

function parseRow({ data, metadata, ...row }: Row) {
  return { ...row, data: JSON.parse(data), metadata: metadata === null ? null : JSON.parse(metadata) };
}
