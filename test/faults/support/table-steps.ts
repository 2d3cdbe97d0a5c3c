import type { SQLiteStreamFactory } from "../../../adapters/sqlite/index.js";
import { rawSQL, sql } from "../../../index.js";
import type { Migration } from "../../../src/migrations/index.js";

/** How many migrations there are. */
export const STEP_COUNT = 6;

const statementsUp = (step: number): readonly string[] => [
  `CREATE TABLE made_${step} (x)`,
  `INSERT INTO made_${step} VALUES (1), (2)`,
  `INSERT INTO ledger (step, direction) VALUES (${step}, 'up')`,
];

const statementsDown = (step: number): readonly string[] => [
  `INSERT INTO ledger (step, direction) VALUES (${step}, 'down')`,
  `DROP TABLE made_${step}`,
];

/** Every other one is a text. */
function stepOf(statements: readonly string[], isText: boolean): Migration["up"] {
  if (isText) return statements.join(";\n");
  return async ({ sql: tables }) => {
    for (const statement of statements) await tables.run(rawSQL(statement));
  };
}

/** Migrations that make a table each, and write into a ledger when they run. */
export const TABLE_STEPS: readonly Migration[] = Array.from({ length: STEP_COUNT }, (_, step) => ({
  id: `${step}`,
  up: stepOf(statementsUp(step), step % 2 === 0),
  down: stepOf(statementsDown(step), step % 2 === 0),
}));

/** A run of a migration, as it wrote it itself. */
export interface LedgerEntry {
  readonly step: number;
  readonly direction: "up" | "down";
}

export async function makeLedger(streams: SQLiteStreamFactory): Promise<void> {
  const ledger = sql`CREATE TABLE ledger (n INTEGER PRIMARY KEY, step INTEGER NOT NULL, direction TEXT NOT NULL)`;
  await streams.transaction((tx) => tx.sql.run(ledger));
}

/** What a store has: its ledger, the tables that were made, with their rows, and the notes of the migrations. */
export async function readSteps(streams: SQLiteStreamFactory) {
  const ledger = await streams.query<LedgerEntry>(sql`SELECT step, direction FROM ledger ORDER BY n`);
  const made = "SELECT name FROM sqlite_schema WHERE name LIKE 'made@_%' ESCAPE '@' ORDER BY name";
  const tables = new Map<string, readonly number[]>();
  for (const { name } of await streams.query<{ name: string }>(rawSQL(made))) {
    const rows = await streams.query<{ x: number }>(rawSQL(`SELECT x FROM ${name} ORDER BY x`));
    tables.set(
      name.slice("made_".length),
      rows.map(({ x }) => x),
    );
  }
  const noted = await streams.query<{ key: string }>(
    sql`SELECT key FROM es_records WHERE space = ${"@migrations"} ORDER BY key`,
  );
  return { ledger, tables, notes: noted.map(({ key }) => key) };
}
