import { randomUUID } from "node:crypto";
import { EventsRemovedError, type InvalidArgumentError, type StreamFactory } from "../../protocols/index.js";
import { isAdministrable } from "../administration/administrable-factory.js";
import type { StoreService } from "../stream/store-service.js";
import { hasStoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { checkOptions, checkSignal, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt, inCall } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { onAbort } from "../watch/abort-listeners.js";
import { type BuildContext, BuildRun } from "./build-run.js";
import { isShown, makeBuild, registerBuilds } from "./builds.js";
import { type ParsedProjection, parseProjectionOptions, parseProjections } from "./definition.js";
import { EventSource } from "./event-source.js";
import { InlineProjection } from "./inline-projection.js";
import { type ModelStore, modelStoreOf } from "./model-store.js";
import type {
  Projection,
  ProjectionOptions,
  ProjectionRunner,
  ProjectionStatus,
  RebuildOptions,
} from "./projection.js";
import { type Build, buildKey, type LiveState, readLive, writeLive } from "./projection-records.js";
import { type RunningProjections, runnersOf } from "./running-projections.js";

const ATTEMPT = "run projections";
const REBUILD_OPTIONS: OptionNames<RebuildOptions> = { missing: true, signal: true };

/** How long it may take to make the tables of a projection. */
const TABLES_TIMEOUT_MS = 60_000;

/** How often a rebuild that another process runs is looked at. */
const REBUILD_POLL_MS = 200;

/** How many streams are looked at together for events that were removed. */
const LISTED_STREAMS = 512;

/**
 * Runs projections until it is disposed of. Any number of processes may: for each version one does, and the others stand by.
 * Resolves when all are registered: their tables and views exist.
 *
 * @throws InvalidArgumentError when a projection or an option is invalid.
 * @throws whatever `tables` throws; then nothing of that projection is made.
 *
 * @example
 * ```ts
 * await using runner = await runProjections(streams, [
 *   {
 *     name: "balances",
 *     types: ["Deposited"],
 *     tables: async ({ sql: db, table }) =>
 *       void (await db.run(sql`CREATE TABLE ${table("balances")} (id TEXT PRIMARY KEY, balance REAL NOT NULL)`)),
 *     project: async (events, { sql: db, table }) => {
 *       for (const { streamId, data } of events) {
 *         await db.run(sql`INSERT INTO ${table("balances")} VALUES (${streamId}, ${data.amount})
 *           ON CONFLICT (id) DO UPDATE SET balance = balance + excluded.balance`);
 *       }
 *     },
 *   },
 * ]);
 * ```
 */
export async function runProjections(
  streams: StreamFactory,
  // biome-ignore lint/suspicious/noExplicitAny: each has events of its own, and which they are is its word.
  projections: readonly Projection<any>[],
  options: ProjectionOptions = {},
): Promise<ProjectionRunner> {
  const model = modelStoreOf(streams, options.store, ATTEMPT);
  const location = model.access?.location;
  const { parsed, settings } = inAttempt(ATTEMPT, location, () => ({
    parsed: parseProjections(projections),
    settings: parseProjectionOptions(options),
  }));
  settings.signal?.throwIfAborted();
  const isElsewhere = !hasStoreAccess(streams) || model.access !== storeAccessOf(streams, ATTEMPT);
  if (settings.mode === "inline" && isElsewhere) {
    throw inCall(invalidArgument("mode", '"inline" needs the tables in the event store itself'), ATTEMPT, location);
  }
  const source = await EventSource.open(streams);
  const runner = new Runner({ streams, source, model, settings, location, projections: parsed });
  await runner.start(options.store ?? streams);
  return runner;
}

interface RunnerParts extends Omit<BuildContext, "owner" | "onChange"> {
  readonly streams: StreamFactory;
  readonly projections: readonly ParsedProjection[];
}

class Runner implements ProjectionRunner, RunningProjections, StoreService {
  readonly #parts: RunnerParts;
  readonly #context: BuildContext;
  readonly #runs = new Map<string, BuildRun>();
  readonly #listeners = new Set<() => void>();
  readonly #reported = new Map<string, string>();
  #stopListening: (() => void)[] = [];
  #stopped: Promise<void> | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#context = { ...parts, owner: randomUUID(), onChange: () => this.#changed() };
  }

  async start(store: object): Promise<void> {
    const { projections, source, streams, settings, model } = this.#parts;
    for (const projection of projections) await this.#register(projection);
    const running = runnersOf(store);
    running.add(this);
    this.#stopListening.push(() => running.delete(this));
    this.#stopListening.push(await source.onCommit(streams, () => this.#wakeAll()));
    if (settings.signal !== undefined) this.#stopListening.push(onAbort(settings.signal, () => void this.stop()));
    for (const services of servicesOf(streams, model)) {
      services.add(this);
      this.#stopListening.push(() => services.delete(this));
    }
  }

  async #register(projection: ParsedProjection): Promise<void> {
    const { model } = this.#parts;
    const builds = await model.run("runProjections", TABLES_TIMEOUT_MS, (tx) => registerBuilds(tx, model, projection));
    for (const build of builds) this.#begin(projection, build);
  }

  #begin(projection: ParsedProjection, build: Build): void {
    if (this.#stopped !== undefined || this.#runs.has(buildKey(build))) return;
    const run = new BuildRun(this.#context, projection, build);
    this.#runs.set(buildKey(build), run);
    const { model, settings, location } = this.#parts;
    if (settings.mode !== "inline" || model.access === undefined) return;
    const { participants } = model.access;
    const inline = new InlineProjection(projection, build, model.spaces, location);
    participants.add(inline);
    this.#stopListening.push(() => participants.delete(inline));
  }

  #wakeAll(): void {
    for (const run of this.#runs.values()) run.wake();
  }

  #changed(): void {
    for (const status of this.status()) this.#report(status);
    for (const listener of [...this.#listeners]) listener();
  }

  /** Tells of a projection when more than its position has changed. */
  #report(status: ProjectionStatus): void {
    const { position: _, head: __, ...rest } = status;
    const text = JSON.stringify(rest);
    if (this.#reported.get(status.name) === text) return;
    this.#reported.set(status.name, text);
    try {
      this.#parts.settings.onStatus(status);
    } catch (error) {
      process.emitWarning(`onStatus threw: ${String(error)}`, "StreamWarning");
    }
  }

  status(): readonly ProjectionStatus[] {
    return this.#parts.projections.flatMap(({ name }) => {
      const runs = [...this.#runs.values()].filter(({ build }) => build.name === name);
      const newest = runs.at(-1);
      return newest === undefined ? [] : [newest.status];
    });
  }

  positionOf(name: string, version: number, generation: number): number | undefined {
    const run = this.#runs.get(buildKey({ name, version, generation }));
    if (run === undefined || run.status.state === "standby") return undefined;
    return run.status.position;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async rebuild(name: string, options: RebuildOptions = {}): Promise<void> {
    const { projections, model } = this.#parts;
    checkOptions(options, REBUILD_OPTIONS);
    const { missing = "refuse", signal } = options;
    checkSignal(signal);
    if (missing !== "refuse" && missing !== "skip") {
      throw invalidArgument("missing", `expected "refuse" or "skip", got ${describeValue(missing)}`);
    }
    const projection = projections.find((each) => each.name === name);
    if (projection === undefined) throw this.#unknown(name);
    if (missing === "refuse") await this.#refuseMissing(name);
    const build = await model.run("rebuild", TABLES_TIMEOUT_MS, async (tx) => {
      const live = (await readLive(tx.records, model.spaces, name)) as LiveState;
      if (live.version !== projection.version) throw this.#otherVersion(projection, live);
      const generation = live.rebuilding?.generation ?? live.generation + 1;
      const next = { name, version: live.version, generation };
      if (live.rebuilding === null) {
        await makeBuild(tx, model, projection, next);
        await writeLive(tx.records, model.spaces, name, {
          ...live,
          rebuilding: { generation, mayMiss: missing === "skip" },
        });
      }
      return next;
    });
    this.#begin(projection, build);
    await this.#untilShown(build, signal);
    await this.#retire(build);
  }

  /** Builds of an older generation are not run any more. */
  async #retire({ name, version, generation }: Build): Promise<void> {
    for (const [key, run] of this.#runs) {
      if (run.build.name !== name || run.build.version !== version || run.build.generation >= generation) continue;
      this.#runs.delete(key);
      await run.stop();
    }
  }

  async #untilShown(build: Build, signal: AbortSignal | undefined): Promise<void> {
    const { model } = this.#parts;
    for (;;) {
      signal?.throwIfAborted();
      const live = await model.run("rebuild", TABLES_TIMEOUT_MS, ({ records }) =>
        readLive(records, model.spaces, build.name),
      );
      if (live !== null && isShown(build, live)) return;
      await new Promise<void>((resolve) => {
        const settle = (): void => {
          clearTimeout(timer);
          stop();
          stopSignal?.();
          resolve();
        };
        const timer = setTimeout(settle, REBUILD_POLL_MS);
        const stop = this.onChange(settle);
        const stopSignal = signal === undefined ? undefined : onAbort(signal, settle);
      });
    }
  }

  /** @throws EventsRemovedError when a stream does not have all of its events any more */
  async #refuseMissing(name: string): Promise<void> {
    const { streams, location } = this.#parts;
    if (!hasStoreAccess(streams)) return;
    const { storage } = storeAccessOf(streams, ATTEMPT);
    if (!isAdministrable(storage)) return;
    for (let after = ""; ; ) {
      const rows = await storage.listStreams({ prefix: "", after, limit: LISTED_STREAMS });
      const removed = rows.find(({ firstVersion }) => firstVersion > 1);
      if (removed !== undefined) {
        const { streamId, firstVersion } = removed;
        const place = location === undefined ? "" : ` in ${location}`;
        const message =
          `Cannot rebuild projection "${name}"${place}: stream "${streamId}" has only its events from version ` +
          `${firstVersion} on, so the rebuilt tables could lack what the present ones have. With missing: "skip" it is ` +
          "built of what is left.";
        throw new EventsRemovedError({ streamId, firstVersion }, message);
      }
      const last = rows.at(-1);
      if (last === undefined || rows.length < LISTED_STREAMS) return;
      after = last.streamId;
    }
  }

  #unknown(name: string): InvalidArgumentError {
    const names = this.#parts.projections.map((each) => each.name).join(", ");
    return invalidArgument("name", `this runner has ${names || "no projections"}, got ${describeValue(name)}`);
  }

  #otherVersion({ name, version }: ParsedProjection, live: LiveState): InvalidArgumentError {
    const reason = `"${name}" is live in version ${live.version}, and this process has version ${version}`;
    return invalidArgument("name", reason);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const stopListening of this.#stopListening) stopListening();
    await Promise.all([...this.#runs.values()].map((run) => run.stop()));
    await this.#parts.source[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What is stopped first when a store is disposed of: of the event store, and of that of the tables. */
function servicesOf(streams: StreamFactory, model: ModelStore): ReadonlySet<Set<StoreService>> {
  const services = new Set<Set<StoreService>>();
  if (hasStoreAccess(streams)) services.add(storeAccessOf(streams, ATTEMPT).services);
  if (model.access !== undefined) services.add(model.access.services);
  return services;
}
