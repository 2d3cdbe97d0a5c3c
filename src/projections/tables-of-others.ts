import { type Records, StorageError } from "../../protocols/index.js";
import { recordsOf } from "../transaction/records-of.js";
import { inStore } from "../validate/in-call.js";
import { type Build, buildKey, readLive, type Spaces } from "./projection-records.js";

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
  const found = new Map<string, string>();
  const place = buildKey(build).slice(build.name.length);
  for await (const { key, value } of recordsOf(records, spaces.builds)) {
    const [name = ""] = key.split("@");
    if (name === build.name || !Array.isArray(value.tables)) continue;
    const isShown = isToBeShown && (await shownKey(records, spaces, name)) === key;
    if (isShown || key.slice(name.length) === place) for (const table of value.tables) found.set(String(table), name);
  }
  return found;
}

async function shownKey(records: Records, spaces: Spaces, name: string): Promise<string | undefined> {
  const live = await readLive(records, spaces, name);
  return live === null ? undefined : buildKey({ name, version: live.version, generation: live.generation });
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
