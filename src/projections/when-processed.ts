import type { WhenProcessedOptions } from "../consumers/consumer.js";
import { MAX_POLL_INTERVAL_MS, pollIntervalMs, waitUntilProcessed } from "../consumers/when-processed.js";
import { inAttempt } from "../validate/in-call.js";
import { checkPlainName } from "./definition.js";
import { type ModelStore, readModelStoreOf } from "./model-store.js";
import type { ProjectionStatus, ReadModelStore } from "./projection.js";
import { type Build, readBuild, readLive } from "./projection-records.js";
import { runnersOf } from "./running-projections.js";

const RECORDS_TIMEOUT_MS = 10_000;

const NOT_REGISTERED = "No process has registered it. Is the name right, and is this the store of its tables?";

/**
 * Resolves once the live version of a projection has everything up to a position, whichever process runs it. A projection that
 * is not registered yet is waited for.
 *
 * @param store - where the read models are: the `store` of `runProjections`, or the event store if it had none
 * @param position - such as that of a `WriteResult`
 * @throws TimeoutError after `timeoutMs`, default 10,000.
 * @throws InvalidArgumentError when an argument is invalid.
 *
 * @example
 * ```ts
 * const { position } = await stream.write({ type: "Deposited", data: { amount: 100 } });
 * await whenProcessed(streams, "balances", position);
 * ```
 */
export async function whenProcessed(
  store: ReadModelStore,
  name: string,
  position: number,
  options: WhenProcessedOptions = {},
): Promise<void> {
  const model = readModelStoreOf(store, "wait for a projection");
  inAttempt("wait for a projection", model.access?.location, () => checkPlainName("name", name));
  const beganMs = performance.now();
  let nextMs = beganMs;
  // What readers see, as it was looked up last. Undefined: nobody has registered the projection.
  let shown: LiveBuild | undefined;
  const isProcessed = async (isLast: boolean): Promise<boolean> => {
    const own = Math.max(...[...runnersOf(store)].map((runner) => runner.lastPositionOf(name) ?? -1));
    const nowMs = performance.now();
    // A process that runs it asks the record once it has the position itself, and now and then for what others have done.
    if (own >= 0 && nextMs === beganMs) nextMs += MAX_POLL_INTERVAL_MS;
    if (!isLast && own < position && nowMs < nextMs) return false;
    nextMs = nowMs + (own < 0 ? pollIntervalMs(nowMs - beganMs) : MAX_POLL_INTERVAL_MS);
    const live = await liveBuild(model, name);
    shown = live ?? undefined;
    return live !== null && Math.max(live.position, ownPosition(store, live.build)) >= position;
  };
  const progress = new Set<() => void>();
  const notify = (): void => {
    for (const listener of [...progress]) listener();
  };
  const stops = [...runnersOf(store)].map((runner) => runner.onChange(notify));
  try {
    const failure = (): string | undefined => (shown === undefined ? NOT_REGISTERED : delayOf(store, shown));
    const location = model.access?.location;
    await waitUntilProcessed(name, position, options, { location, isProcessed, listeners: progress, failure });
  } finally {
    for (const stop of stops) stop();
  }
}

/** Why what readers see does not go on, as far as this process knows. */
function delayOf(store: ReadModelStore, { build, isRun }: LiveBuild): string | undefined {
  const runners = [...runnersOf(store)];
  const own = runners.map((runner) => runner.statusOf(build)).find((status) => status?.error !== undefined);
  if (own !== undefined) return failureOf(own);
  if (isRun) return undefined;
  const unrun = `No process runs its version ${build.version}, which readers see.`;
  const next = runners
    .flatMap((runner) => runner.status())
    .find(({ name, version, error }) => name === build.name && version > build.version && error !== undefined);
  return next === undefined ? unrun : `${unrun} ${failureOf(next)}`;
}

function failureOf({ version, error }: ProjectionStatus): string | undefined {
  if (error === undefined) return undefined;
  const { position, streamId, type, message } = error;
  const event = type === "" ? "" : `, an event "${type}" of stream "${streamId}"`;
  return `Its version ${version} fails at position ${position}${event}: ${message}`;
}

/** What readers see. */
interface LiveBuild {
  readonly build: Build;
  /** Up to where it is by its record. */
  readonly position: number;
  /** Whether any process has its lease. */
  readonly isRun: boolean;
}

/** @returns null when it is not registered */
function liveBuild(model: ModelStore, name: string): Promise<LiveBuild | null> {
  return model.read("whenProcessed", RECORDS_TIMEOUT_MS, async (records) => {
    const live = await readLive(records, model.spaces, name);
    if (live === null) return null;
    const build = { name, version: live.version, generation: live.generation };
    const state = (await readBuild(records, model.spaces, build))?.value;
    const isRun = state !== undefined && state.owner !== null && state.untilMs > Date.now();
    return { build, position: state?.position ?? 0, isRun };
  });
}

/** Up to where a build is by those of this process who run it. */
function ownPosition(store: ReadModelStore, build: Build): number {
  return Math.max(...[...runnersOf(store)].map((runner) => runner.positionOf(build) ?? 0));
}
