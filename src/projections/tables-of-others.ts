import { type Records, StorageError } from "../../protocols/index.js";
import { recordsOf } from "../transaction/records-of.js";
import { inStore } from "../validate/in-call.js";
import { type Build, buildKey, type Spaces } from "./projection-records.js";

/** Plain names of tables, and which projection has them. */
export type TablesOfOthers = ReadonlyMap<string, string>;

/**
 * The tables of other projections that a build may not have too: each would write into the other's.
 *
 * @param isToBeShown - whether it may not have those either which readers see of others
 */
export async function tablesOfOthers(
  records: Records,
  spaces: Spaces,
  build: Build,
  isToBeShown: boolean,
): Promise<TablesOfOthers> {
  const shown = isToBeShown ? await shownKeys(records, spaces) : new Set<string>();
  const found = new Map<string, string>();
  const place = buildKey(build).slice(build.name.length);
  for await (const { key, value } of recordsOf(records, spaces.builds)) {
    const [name = ""] = key.split("@");
    if (name === build.name || !Array.isArray(value.tables)) continue;
    const isTaken = shown.has(key) || key.slice(name.length) === place;
    if (isTaken) for (const table of value.tables) found.set(String(table), name);
  }
  return found;
}

/** Listed at once: a look at each would hold up writers for longer the more projections there are. */
async function shownKeys(records: Records, spaces: Spaces): Promise<ReadonlySet<string>> {
  const shown = new Set<string>();
  for await (const { key: name, value } of recordsOf(records, spaces.live)) {
    shown.add(buildKey({ name, version: Number(value.version), generation: Number(value.generation) }));
  }
  return shown;
}

/** @throws StorageError `STORAGE_FAILED` when another projection has the table */
export function assertNotOfOthers(others: TablesOfOthers, table: string, build: Build, location?: string): void {
  const other = others.get(table);
  if (other === undefined) return;
  const message =
    `Projection "${build.name}"${inStore(location)} cannot have a table "${table}": projection "${other}" has one of that ` +
    `name. Give one of them another name. If "${other}" will not run again, delete it with dropProjection.`;
  throw new StorageError("STORAGE_FAILED", message);
}
