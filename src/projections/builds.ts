import type { Records } from "../../protocols/index.js";
import { goneInMs } from "../administration/former-builds.js";
import { recordsOf } from "../transaction/records-of.js";
import { deleteBuildRecords } from "./build-records.js";
import type { ParsedProjection } from "./definition.js";
import type { ModelStore, ModelTransaction } from "./model-store.js";
import {
  type Build,
  type BuildState,
  buildKey,
  type LiveState,
  readBuild,
  readLive,
  type Spaces,
  writeBuild,
  writeLive,
} from "./projection-records.js";
import { assertNotOfOthers, tablesOfOthers } from "./tables-of-others.js";
import { VersionedContext } from "./versioned-context.js";
import { dropTables, limitLockWait, showTables } from "./views.js";

/** How long tables stay after another build was shown in their place: a deploy may be rolled back. */
const FORMER_MS = 24 * 3_600_000;

const NEW_BUILD: BuildState = {
  position: 0,
  owner: null,
  untilMs: 0,
  leaseMs: 0,
  parked: 0,
  tables: [],
  hasCaughtUp: false,
};

/** Makes the tables and the record of a projection where they are not there yet. @returns the builds to be run */
export async function registerBuilds(
  tx: ModelTransaction,
  model: ModelStore,
  projection: ParsedProjection,
): Promise<readonly Build[]> {
  const { name, version } = projection;
  const { records } = tx;
  const live = await readLive(records, model.spaces, name);
  const generation = live?.version === version ? live.generation : 0;
  const build = { name, version, generation };
  if ((await readBuild(records, model.spaces, build)) === null) {
    // Readers keep what they have, rather than get something poorer.
    const mayLackEvents = live !== null && live.version < version;
    await makeBuild(tx, model, projection, build, { mayLackEvents, isToBeShown: live === null });
  }
  if (live === null) {
    // There is nothing better to show.
    const state = (await readBuild(records, model.spaces, build))?.value ?? NEW_BUILD;
    await showTables(tx.sql, build, state.tables, []);
    await writeLive(records, model.spaces, name, { version, generation, former: [], rebuilding: null });
  }
  const rebuilding = live?.version === version ? live.rebuilding : null;
  return rebuilding === null ? [build] : [build, { name, version, generation: rebuilding }];
}

/** Makes the tables of a build, and its record. */
export async function makeBuild(
  tx: ModelTransaction,
  { spaces }: ModelStore,
  projection: ParsedProjection,
  build: Build,
  { isToBeShown, ...flags }: Pick<BuildState, "mayLackEvents" | "mayShowLess"> & { readonly isToBeShown: boolean },
): Promise<void> {
  const others = await tablesOfOthers(tx.records, spaces, build, isToBeShown);
  const context = new VersionedContext(tx, build, spaces, others);
  await projection.tables?.(context);
  await writeBuild(tx.records, spaces, build, { ...NEW_BUILD, tables: context.tables, ...flags }, 0);
}

/** Whether readers see a build, or one that came after it. */
export function isShown({ version, generation }: Build, live: LiveState): boolean {
  return live.version > version || (live.version === version && live.generation >= generation);
}

/** What readers see before a build is shown, which has to get as far as that. */
export interface ShownBefore {
  readonly version: number;
  readonly position: number;
}

/** @returns null when the build is shown already */
export async function shownBefore(records: Records, spaces: Spaces, build: Build): Promise<ShownBefore | null> {
  const live = await readLive(records, spaces, build.name);
  if (live === null || isShown(build, live)) return null;
  const { version, generation } = live;
  const shown = await readBuild(records, spaces, { name: build.name, version, generation });
  return { version, position: shown?.value.position ?? 0 };
}

/** Shows a build that has caught up, unless a later one is shown already. @returns what is shown now */
export async function swap(
  tx: ModelTransaction,
  { spaces }: ModelStore,
  build: Build,
  state: BuildState,
): Promise<LiveState | null> {
  const { name, version, generation } = build;
  const live = await readLive(tx.records, spaces, name);
  if (live === null || isShown(build, live)) return live;
  const others = await tablesOfOthers(tx.records, spaces, build, true);
  for (const table of state.tables) assertNotOfOthers(others, table, build, tx.location);
  const before = await readBuild(tx.records, spaces, { name, version: live.version, generation: live.generation });
  await showTables(tx.sql, build, state.tables, before?.value.tables ?? []);
  const former = [...live.former, { version: live.version, generation: live.generation, sinceMs: Date.now() }];
  const shown = { version, generation, former, rebuilding: null };
  await writeLive(tx.records, spaces, name, shown);
  return shown;
}

/**
 * Deletes what {@link formerToDrop} finds, in the lease of what came after it.
 *
 * @returns what is shown now
 * @throws StorageError `STORAGE_LOCKED` when somebody still reads it
 */
export async function dropFormer(tx: ModelTransaction, model: ModelStore, build: Build): Promise<LiveState | null> {
  const { spaces } = model;
  const live = await readLive(tx.records, spaces, build.name);
  const gone = await formerToDrop(tx.records, model, build, live);
  if (live === null || gone.length === 0) return live;
  await limitLockWait(tx.sql);
  for (const former of gone) await dropBuild(tx, spaces, { ...former, name: build.name });
  const left = { ...live, former: live.former.filter((each) => !gone.includes(each)) };
  await writeLive(tx.records, spaces, build.name, left);
  return left;
}

/**
 * What has not been shown for a day, when this build or a later one is, and what surely nobody runs: a clock that jumps a day
 * ahead must not delete what a process still runs. Where it is not sure yet, a later look tells.
 */
export async function formerToDrop(
  records: Records,
  { spaces, seenLeases }: ModelStore,
  build: Build,
  live: LiveState | null,
): Promise<LiveState["former"]> {
  if (live === null || !isShown(build, live)) return [];
  const toDrop: LiveState["former"][number][] = [];
  for (const former of live.former) {
    if (Date.now() - former.sinceMs < FORMER_MS) continue;
    const found = await records.get(spaces.builds, buildKey({ ...former, name: build.name }));
    if (found === null || goneInMs(found, seenLeases) === 0) toDrop.push(former);
  }
  return toDrop;
}

/** Deletes the tables and the record of a build. */
export async function dropBuild(tx: ModelTransaction, spaces: Spaces, build: Build): Promise<void> {
  const found = await readBuild(tx.records, spaces, build);
  if (found === null) return;
  await dropTables(tx.sql, build, found.value.tables);
  await deleteBuildRecords(tx.records, spaces, build);
  await tx.records.delete(spaces.builds, buildKey(build));
  await deleteParked(tx.records, spaces, build);
}

const POSITION_DIGITS = 16;

/** Sets an event aside. */
export async function park(
  records: Records,
  spaces: Spaces,
  build: Build,
  parked: { readonly position: number; readonly streamId: string; readonly type: string; readonly message: string },
): Promise<void> {
  const key = `${buildKey(build)}/${String(parked.position).padStart(POSITION_DIGITS, "0")}`;
  await records.put(spaces.parked, key, parked);
}

async function deleteParked(records: Records, spaces: Spaces, build: Build): Promise<void> {
  for await (const { key } of recordsOf(records, spaces.parked, `${buildKey(build)}/`)) {
    await records.delete(spaces.parked, key);
  }
}
