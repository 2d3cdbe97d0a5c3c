import { randomUUID } from "node:crypto";
import { StreamClosedError, type StreamFactory } from "../../protocols/index.js";
import type { Participant } from "../stream/participant.js";
import type { StoreService } from "../stream/store-service.js";
import { hasStoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { inAttempt, inCallback } from "../validate/in-call.js";
import { isThenable } from "../validate/is-thenable.js";
import { thrownText } from "../validate/thrown-text.js";
import { onAbort } from "../watch/abort-listeners.js";
import type { BuildContext } from "./batch-projector.js";
import { BuildRun } from "./build-run.js";
import { registerBuilds } from "./builds.js";
import type { ParsedProjection } from "./definition.js";
import { InlineProjection } from "./inline-projection.js";
import type { ModelStore } from "./model-store.js";
import type { ProjectionRunner, ProjectionStatus, RebuildOptions } from "./projection.js";
import { type Build, buildKey, type LiveState } from "./projection-records.js";
import { beginRebuild, chosenProjection, parseRebuild, REBUILD, untilShown } from "./rebuild.js";
import { type RunningProjections, runnersOf } from "./running-projections.js";

/** How long it may take to make the tables of a projection. */
const TABLES_TIMEOUT_MS = 60_000;

/** What a runner works with. */
export interface RunnerParts extends Omit<BuildContext, "owner" | "onChange" | "onLive"> {
  readonly projections: readonly ParsedProjection[];
}

interface RunningBuild {
  readonly run: BuildRun;
  readonly inline: Participant | undefined;
}

/** Runs the builds of projections, and learns of those that other processes begin. */
export class Runner implements ProjectionRunner, RunningProjections, StoreService {
  readonly #parts: RunnerParts;
  readonly #context: BuildContext;
  readonly #builds = new Map<string, RunningBuild>();
  readonly #ending = new Set<Promise<void>>();
  readonly #listeners = new Set<() => void>();
  readonly #reported = new Map<string, string>();
  readonly #stopping = new AbortController();
  #stopListening: (() => void)[] = [];
  #stopped: Promise<void> | undefined;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#context = {
      ...parts,
      owner: randomUUID(),
      onChange: () => this.#changed(),
      onLive: (projection, live) => this.#follow(projection, live),
    };
  }

  /** @param store - by which `whenProcessed` finds the runner */
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
    const { name, version } = projection;
    try {
      const builds = await model.run("runProjections", TABLES_TIMEOUT_MS, (tx) =>
        registerBuilds(tx, model, projection),
      );
      for (const build of builds) this.#begin(projection, build);
    } catch (error) {
      throw inCallback(error, `start projection "${name}", version ${version}`);
    }
  }

  #begin(projection: ParsedProjection, build: Build): void {
    if (this.#stopped !== undefined || this.#builds.has(buildKey(build))) return;
    const { model, settings, location, streams } = this.#parts;
    const isInline = settings.mode === "inline" && model.access !== undefined;
    const hooks = hasStoreAccess(streams) ? storeAccessOf(streams, "run projections").context.hooks : undefined;
    const run = new BuildRun(this.#context, projection, build);
    const parts = { location, hooks, leaseMs: settings.leaseMs, pace: run.pace };
    const inline = isInline ? new InlineProjection(projection, build, model.spaces, parts) : undefined;
    if (inline !== undefined) model.access?.participants.add(inline);
    this.#builds.set(buildKey(build), { run, inline });
  }

  /** Begins what another process rebuilds or has rebuilt, and ends what was shown before it. */
  #follow(projection: ParsedProjection, live: LiveState | null): void {
    const { name, version } = projection;
    if (live?.version !== version) return;
    this.#begin(projection, { name, version, generation: live.generation });
    if (live.rebuilding !== null) this.#begin(projection, { name, version, generation: live.rebuilding });
    for (const [key, { run }] of this.#builds) {
      if (run.build.name === name && run.build.generation < live.generation) this.#end(key);
    }
  }

  #end(key: string): void {
    const build = this.#builds.get(key);
    if (build === undefined) return;
    this.#builds.delete(key);
    if (build.inline !== undefined) this.#parts.model.access?.participants.delete(build.inline);
    const ending = build.run.stop();
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }

  #wakeAll(): void {
    for (const { run } of this.#builds.values()) run.wake();
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
    const warn = (error: unknown): void => process.emitWarning(`onStatus threw: ${thrownText(error)}`, "StreamWarning");
    try {
      const told: unknown = this.#parts.settings.onStatus(status);
      if (isThenable(told)) void told.then(undefined, warn);
    } catch (error) {
      warn(error);
    }
  }

  status(): readonly ProjectionStatus[] {
    return this.#parts.projections.flatMap(({ name }) => {
      const newest = [...this.#builds.values()].filter(({ run }) => run.build.name === name).at(-1);
      return newest === undefined ? [] : [newest.run.status];
    });
  }

  statusOf(build: Build): ProjectionStatus | undefined {
    return this.#builds.get(buildKey(build))?.run.status;
  }

  positionOf(build: Build): number | undefined {
    const status = this.statusOf(build);
    if (status === undefined) return undefined;
    const { state, position } = status;
    return state === "standby" || state === "stopped" ? undefined : position;
  }

  lastPositionOf(name: string): number | undefined {
    const builds = [...this.#builds.values()].map(({ run }) => run.build).filter((build) => build.name === name);
    const positions = builds.map((build) => this.positionOf(build)).filter((position) => position !== undefined);
    return positions.length === 0 ? undefined : Math.max(...positions);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async rebuild(name: string, options: RebuildOptions = {}): Promise<void> {
    const { projections, model, location } = this.#parts;
    const { plan, projection } = inAttempt(REBUILD, location, () => ({
      plan: parseRebuild(options),
      projection: chosenProjection(projections, name),
    }));
    const signals = plan.signal === undefined ? [] : [plan.signal];
    const signal = AbortSignal.any([this.#stopping.signal, ...signals]);
    const build = await beginRebuild(this.#parts, projection, { ...plan, signal });
    this.#begin(projection, build);
    this.#builds.get(buildKey(build))?.run.retry();
    await untilShown(model, build, signal, (listener) => this.onChange(listener));
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#stopping.abort(
      new StreamClosedError(
        "The runner of the projections has been disposed. Another that runs them goes on rebuilding.",
      ),
    );
    for (const stopListening of this.#stopListening) stopListening();
    for (const { inline } of this.#builds.values()) {
      if (inline !== undefined) this.#parts.model.access?.participants.delete(inline);
    }
    await Promise.all([...[...this.#builds.values()].map(({ run }) => run.stop()), ...this.#ending]);
    await this.#parts.source[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** What is stopped first when a store is disposed of: of the event store, and of that of the tables. */
function servicesOf(streams: StreamFactory, model: ModelStore): ReadonlySet<Set<StoreService>> {
  const services = new Set<Set<StoreService>>();
  if (hasStoreAccess(streams)) services.add(storeAccessOf(streams, "run projections").services);
  if (model.access !== undefined) services.add(model.access.services);
  return services;
}
