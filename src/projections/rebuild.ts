import type { StreamFactory } from "../../protocols/index.js";
import { checkOptions, checkSignal, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inCall } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { onAbort } from "../watch/abort-listeners.js";
import { isShown, makeBuild } from "./builds.js";
import type { ParsedProjection } from "./definition.js";
import type { ModelStore, ModelTransaction } from "./model-store.js";
import type { RebuildOptions } from "./projection.js";
import { type Build, type LiveState, readBuild, readLive, writeBuild, writeLive } from "./projection-records.js";
import { RemovedEventsCheck } from "./removed-events.js";

const OPTIONS: OptionNames<RebuildOptions> = { missing: true, signal: true };
const TIMEOUT_MS = 60_000;

/** What a refusal says was attempted. */
export const REBUILD = "rebuild a projection";

/** How often a rebuild that another process runs is looked at. */
const POLL_INTERVAL_MS = 200;

/** Who asks for a rebuild has looked what the store lacks, or knows it. */
const ALLOWED = { mayLackEvents: false, mayShowLess: true } as const;

/** The options of a rebuild, checked and complete. */
export interface RebuildPlan {
  readonly missing: "refuse" | "skip";
  readonly signal: AbortSignal | undefined;
}

/** @throws InvalidArgumentError when the runner does not have it */
export function chosenProjection(projections: readonly ParsedProjection[], name: string): ParsedProjection {
  const chosen = projections.find((each) => each.name === name);
  if (chosen !== undefined) return chosen;
  const names = projections.map((each) => each.name).join(", ");
  throw invalidArgument("name", `this runner has ${names || "no projections"}, got ${describeValue(name)}`);
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
 * Makes the tables of another generation of the live version, unless that is being built already. A version that comes after
 * the live one is being built, and may go on from here although events were removed.
 *
 * @throws EventsRemovedError when events were removed that it would need, unless they may be missing
 * @throws InvalidArgumentError when a later version is live
 */
export async function beginRebuild(
  { streams, model, location }: RebuildContext,
  projection: ParsedProjection,
  { missing, signal }: RebuildPlan,
): Promise<Build> {
  const { name, version } = projection;
  signal?.throwIfAborted();
  if (missing === "refuse") await new RemovedEventsCheck(streams, projection, location).assertNoneRemoved();
  return model.run("rebuild", TIMEOUT_MS, async (tx) => {
    const live = await readLive(tx.records, model.spaces, name);
    if (live !== null && live.version < version) {
      return allowBuild(tx, model, { name, version, generation: 0 }, live);
    }
    if (live?.version !== version) throw otherVersion(projection, live, model);
    const generation = live.rebuilding ?? live.generation + 1;
    const build = { name, version, generation };
    if (live.rebuilding !== null) return allowBuild(tx, model, build, live);
    await makeBuild(tx, model, projection, build, { ...ALLOWED, isToBeShown: false });
    await writeLive(tx.records, model.spaces, name, { ...live, rebuilding: generation });
    return build;
  });
}

/** Has a build gone on with that is not live yet. Whoever runs it reads its record again. */
async function allowBuild(
  { records }: ModelTransaction,
  { spaces, access }: ModelStore,
  build: Build,
  live: LiveState,
): Promise<Build> {
  const found = await readBuild(records, spaces, build);
  if (found === null) throw otherVersion(build, live, { access });
  const { value, revision } = found;
  if (value.mayLackEvents === true || value.mayShowLess !== true) {
    await writeBuild(records, spaces, build, { ...value, ...ALLOWED }, revision);
  }
  return build;
}

function otherVersion(
  { name, version }: Pick<Build, "name" | "version">,
  live: LiveState | null,
  { access }: Pick<ModelStore, "access">,
): unknown {
  const found = live === null ? "is not registered any more" : `is live in version ${live.version}`;
  const refused = invalidArgument("name", `"${name}" ${found}, and this process has version ${version}`);
  return inCall(refused, REBUILD, access?.location);
}

/**
 * Waits until readers see a build, or one that came after it, whichever process runs it.
 *
 * @throws InvalidArgumentError when the projection was dropped meanwhile
 */
export async function untilShown(
  model: ModelStore,
  build: Build,
  signal: AbortSignal | undefined,
  onChange: (listener: () => void) => () => void,
): Promise<void> {
  for (;;) {
    signal?.throwIfAborted();
    const live = await model.run("rebuild", TIMEOUT_MS, ({ records }) => readLive(records, model.spaces, build.name));
    if (live === null) throw otherVersion(build, live, model);
    if (isShown(build, live)) return;
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
