import { InvalidArgumentError, isStreamError, type StreamFactory } from "../../protocols/index.js";
import { PROJECTIONS_ELSEWHERE_SPACE } from "../administration/reserved-spaces.js";
import { type HeldLeases, onceKnown } from "../leases/held-leases.js";
import { TABLE_LOCK_PAUSE_MS } from "../limits.js";
import { recordsOf } from "../transaction/records-of.js";
import { sql, name as sqlName } from "../transaction/sql-statement.js";
import { hasStoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { checkOptions } from "../validate/check-arguments.js";
import { inAttempt, inCall } from "../validate/in-call.js";
import { dropBuild } from "./builds.js";
import { checkPlainName } from "./definition.js";
import { type ModelStore, type ModelTransaction, modelStoreOf } from "./model-store.js";
import { moveEarlierCopies } from "./position-mirror.js";
import type { ReadModelStore } from "./projection.js";
import { type Build, type BuildState, readLive } from "./projection-records.js";
import { limitLockWait } from "./views.js";

const ATTEMPT = "drop a projection";
const TIMEOUT_MS = 60_000;

/**
 * Deletes the records, tables and views of a projection that will not run again, so that it holds up no prune. After the lease
 * of a process that was killed it waits for as long again, to be sure that nobody renews it: clocks may be wrong.
 *
 * @returns false when there is none of that name
 * @throws InvalidArgumentError while a process runs it, or when an argument is invalid.
 * @throws StorageError `STORAGE_LOCKED` when somebody reads its tables for so long that they could not be deleted in a minute.
 */
export async function dropProjection(
  streams: StreamFactory,
  name: string,
  options: { readonly store?: ReadModelStore | undefined } = {},
): Promise<boolean> {
  checkOptions(options, { store: true });
  const model = modelStoreOf(streams, options.store, ATTEMPT);
  inAttempt(ATTEMPT, model.access?.location, () => checkPlainName("name", name));
  const wait = new ReaderWait();
  try {
    const isDropped = await onceKnown((leases) => dropOnce(model, name, leases, wait));
    await forgetPosition(streams, model, name);
    return isDropped;
  } catch (error) {
    throw inCall(error, ATTEMPT, model.access?.location);
  }
}

/** Waits for those who read the tables, for a minute from when they were in the way first. */
class ReaderWait {
  #deadlineMs: number | undefined;

  /** Whether to try again, once it has failed. */
  goesOn(): boolean {
    const nowMs = performance.now();
    this.#deadlineMs ??= nowMs + TIMEOUT_MS;
    return nowMs < this.#deadlineMs;
  }
}

/** @returns milliseconds: after these it is to be called again */
async function dropOnce(
  model: ModelStore,
  name: string,
  leases: HeldLeases,
  wait: ReaderWait,
): Promise<boolean | number> {
  let isLimited = false;
  try {
    return await model.run("dropProjection", TIMEOUT_MS, async (tx) => {
      isLimited = await limitLockWait(tx.sql);
      return drop(tx, model, name, leases);
    });
  } catch (error) {
    // Somebody reads its tables.
    if (isLimited && isStreamError(error, "STORAGE_LOCKED") && wait.goesOn()) return TABLE_LOCK_PAUSE_MS;
    throw error;
  }
}

async function drop(
  tx: ModelTransaction,
  { spaces }: ModelStore,
  name: string,
  leases: HeldLeases,
): Promise<boolean | number> {
  const live = await readLive(tx.records, spaces, name);
  if (live === null) return false;
  const builds = await buildsOf(tx, spaces.builds, name);
  const held = builds.filter(({ state }) => state.owner !== null);
  const found = leases.look(held.map(({ key, state: { untilMs, leaseMs } }) => ({ key, untilMs, leaseMs })));
  if (found === "held") {
    const reason = `A process runs "${name}", or was killed and its lease has not ended`;
    throw new InvalidArgumentError("name", `${reason}. Dispose of its runner, or wait, and try again.`);
  }
  if (found !== "gone") return found;
  const shown = builds.find(({ build }) => build.version === live.version && build.generation === live.generation);
  for (const view of shown?.state.tables ?? []) await tx.sql.run(sql`DROP VIEW IF EXISTS ${sqlName(view)}`);
  for (const { build } of builds) await dropBuild(tx, spaces, build);
  await tx.records.delete(spaces.live, name);
  return true;
}

/** Deletes what the event store knows of read models that are kept elsewhere. */
async function forgetPosition(streams: StreamFactory, model: ModelStore, name: string): Promise<void> {
  if (!hasStoreAccess(streams) || storeAccessOf(streams, ATTEMPT).storage === model.access?.storage) return;
  await modelStoreOf(streams, undefined, ATTEMPT).run("dropProjection", TIMEOUT_MS, async ({ records }) => {
    await moveEarlierCopies(records, name);
    for await (const { key } of recordsOf(records, PROJECTIONS_ELSEWHERE_SPACE, `${name}@`)) {
      await records.delete(PROJECTIONS_ELSEWHERE_SPACE, key);
    }
  });
}

interface FoundBuild {
  readonly key: string;
  readonly build: Build;
  readonly state: BuildState;
}

async function buildsOf({ records }: ModelTransaction, space: string, name: string): Promise<readonly FoundBuild[]> {
  const found: FoundBuild[] = [];
  for await (const { key, value } of recordsOf(records, space, `${name}@`)) {
    const [version = "", generation = "0"] = key.slice(name.length + 1).split(".");
    const build: Build = { name, version: Number(version), generation: Number(generation) };
    found.push({ key, build, state: value as unknown as BuildState });
  }
  return found;
}
