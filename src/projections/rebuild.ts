import { EventsRemovedError, type InvalidArgumentError, type StreamFactory } from "../../protocols/index.js";
import { isAdministrable } from "../administration/administrable-factory.js";
import { hasStoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { checkOptions, checkSignal, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { onAbort } from "../watch/abort-listeners.js";
import { isShown, makeBuild } from "./builds.js";
import type { ParsedProjection } from "./definition.js";
import type { ModelStore } from "./model-store.js";
import type { RebuildOptions } from "./projection.js";
import { type Build, type LiveState, readLive, writeLive } from "./projection-records.js";

const OPTIONS: OptionNames<RebuildOptions> = { missing: true, signal: true };
const TIMEOUT_MS = 60_000;

/** How often a rebuild that another process runs is looked at. */
const POLL_INTERVAL_MS = 200;

/** How many streams are looked at together for events that were removed. */
const LISTED_STREAMS = 512;

/** The options of a rebuild, checked and complete. */
export interface RebuildPlan {
  readonly missing: "refuse" | "skip";
  readonly signal: AbortSignal | undefined;
}

/** @throws InvalidArgumentError */
export function parseRebuild(options: RebuildOptions): RebuildPlan {
  checkOptions(options, OPTIONS);
  const { missing = "refuse", signal } = options;
  checkSignal(signal);
  if (missing !== "refuse" && missing !== "skip") {
    throw invalidArgument("missing", `expected "refuse" or "skip", got ${describeValue(missing)}`);
  }
  return { missing, signal };
}

interface RebuildContext {
  readonly streams: StreamFactory;
  readonly model: ModelStore;
  readonly location: string | undefined;
}

/**
 * Makes the tables of another generation of the live version, unless that is being built already.
 *
 * @throws EventsRemovedError when events were removed that it would need, unless they may be missing
 * @throws InvalidArgumentError when another version is live
 */
export async function beginRebuild(
  { streams, model, location }: RebuildContext,
  projection: ParsedProjection,
  { missing, signal }: RebuildPlan,
): Promise<Build> {
  const { name, version } = projection;
  signal?.throwIfAborted();
  if (missing === "refuse") await refuseMissing(streams, name, location);
  return model.run("rebuild", TIMEOUT_MS, async (tx) => {
    const live = await readLive(tx.records, model.spaces, name);
    if (live?.version !== version) throw otherVersion(projection, live);
    const generation = live.rebuilding ?? live.generation + 1;
    const build = { name, version, generation };
    if (live.rebuilding !== null) return build;
    await makeBuild(tx, model, projection, build);
    await writeLive(tx.records, model.spaces, name, { ...live, rebuilding: generation });
    return build;
  });
}

function otherVersion({ name, version }: ParsedProjection, live: LiveState | null): InvalidArgumentError {
  const found = live === null ? "is not registered any more" : `is live in version ${live.version}`;
  return invalidArgument("name", `"${name}" ${found}, and this process has version ${version}`);
}

/** @throws EventsRemovedError when a stream does not have all of its events any more */
async function refuseMissing(streams: StreamFactory, name: string, location: string | undefined): Promise<void> {
  if (!hasStoreAccess(streams)) return;
  const { storage } = storeAccessOf(streams, "rebuild a projection");
  if (!isAdministrable(storage)) return;
  for (let after = ""; ; ) {
    const rows = await storage.listStreams({ prefix: "", after, limit: LISTED_STREAMS });
    const removed = rows.find(({ firstVersion }) => firstVersion > 1);
    if (removed !== undefined) throw eventsRemoved(name, removed, location);
    const last = rows.at(-1);
    if (last === undefined || rows.length < LISTED_STREAMS) return;
    after = last.streamId;
  }
}

function eventsRemoved(
  name: string,
  { streamId, firstVersion }: { readonly streamId: string; readonly firstVersion: number },
  location: string | undefined,
): EventsRemovedError {
  const message =
    `Cannot rebuild projection "${name}"${inStore(location)}: stream "${streamId}" has only its events from version ` +
    `${firstVersion} on, so the rebuilt tables could lack what the present ones have. With missing: "skip" it is ` +
    "built of what is left.";
  return new EventsRemovedError({ streamId, firstVersion }, message);
}

/** Waits until readers see a build, or one that came after it, whichever process runs it. */
export async function untilShown(
  model: ModelStore,
  build: Build,
  signal: AbortSignal | undefined,
  onChange: (listener: () => void) => () => void,
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const live = await model.run("rebuild", TIMEOUT_MS, ({ records }) => readLive(records, model.spaces, build.name));
    if (live !== null && isShown(build, live)) return;
    await new Promise<void>((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        stopListening();
        stopSignal?.();
        resolve();
      };
      const timer = setTimeout(settle, POLL_INTERVAL_MS);
      const stopListening = onChange(settle);
      const stopSignal = signal === undefined ? undefined : onAbort(signal, settle);
    });
  }
}
