import type { JsonObject } from "../../protocols/index.js";
import { PUBLIC, RESERVED, tableName } from "./projection-records.js";

/** The spaces whose records say which tables projections have. */
export const BUILD_SPACES: readonly string[] = [RESERVED.builds, PUBLIC.builds];

/** The spaces of all records of projections. Spaces below them (`@projections/...`) belong to them. */
export const PROJECTION_SPACES: readonly string[] = [...Object.values(RESERVED), ...Object.values(PUBLIC)];

/** A table of a read model, and the view that readers see while its version is live. */
export interface ReadModelTable {
  readonly table: string;
  readonly view: string;
}

/** The tables of a build, by its record in one of BUILD_SPACES. */
export function readModelTablesOf(key: string, value: JsonObject): readonly ReadModelTable[] {
  const [, version, generation = 0] = /@(\d+)(?:\.(\d+))?$/.exec(key) ?? [];
  const numbers = { version: Number(version), generation: Number(generation) };
  const names = (value.tables ?? []) as readonly string[];
  return names.map((view) => ({ table: tableName(view, numbers), view }));
}
