import { rawSQL } from "async-streams";
import type { Projection } from "async-streams/projections";
import { DERIVED_TABLES, type DerivedTable } from "../schema/derived-tables.js";
import { upsertStatements } from "../upsert-statements.js";

/** The derived tables as projections of async-streams. */
export function derivedProjections(): Projection[] {
  return DERIVED_TABLES.map(projectionOf);
}

type DerivedEvent = { type: string; data: Record<string, unknown> };

function projectionOf(derived: DerivedTable): Projection {
  const { name, columns, setBy, removedBy } = derived;
  const projection: Projection<DerivedEvent> = {
    name,
    types: [setBy, removedBy],
    async tables({ sql, table }) {
      await sql.run(rawSQL(`CREATE TABLE "${table(name).name}" (${columns})`, []));
    },
    async project(events, { sql, table }) {
      const own = table(name).name;
      for (const { type, data, timestamp } of events) {
        if (type === removedBy) await sql.run(rawSQL(`DELETE FROM "${own}" WHERE id = ?`, [String(data.id)]));
        else {
          const rows = [derived.row(data, timestamp.toISOString())];
          for (const { text, values } of upsertStatements({ table: own, rows }, ["id"], 1)) {
            await sql.run(rawSQL(text, values));
          }
        }
      }
    },
  };
  return projection as Projection;
}
