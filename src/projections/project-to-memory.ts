import { type Observable, Subject } from "rxjs";
import {
  ALL_STREAM,
  type EventFilter,
  type EventShape,
  type StoredEvent,
  type Stream,
  type StreamFactory,
} from "../../protocols/index.js";
import { Wake } from "../consumers/wake.js";
import { filterOf } from "../consumers/wanted-events.js";
import { waitUntilProcessed } from "../consumers/when-processed.js";
import { parseFilter } from "../filter/parse-filter.js";
import { checkFunction, checkOptions, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { checkPlainName } from "./definition.js";
import { EventSource } from "./event-source.js";

/** What a read model in memory is made of. */
export interface MemoryProjection<S, E extends EventShape> {
  /** Its name, for its snapshots. */
  readonly name: string;
  /** Raise it with every change of `evolve`: snapshots of another version do not count. Default 1. */
  readonly version?: number;
  /** The types that it wants. Default: all but the library's own. */
  readonly types?: readonly E["type"][];
  /** Only events for which every clause holds. Default: all. */
  readonly filter?: EventFilter;
  /** The state before the first event. */
  initial(): S;
  /** The state after an event. */
  evolve(state: S, event: StoredEvent<E>): S;
  /** Saves a snapshot after so many events. Default: never. */
  readonly snapshotEvery?: number;
}

/** A read model in memory. Disposing of it ends it. */
export interface MemoryReadModel<S> extends AsyncDisposable {
  /** The state after everything up to `position`. */
  readonly state: S;
  /** Up to where it has everything. */
  readonly position: number;
  /** The state after each event from now on. It fails when the store can no longer be read. */
  readonly changes: Observable<S>;
  /** Resolves once it has everything up to a position. @throws TimeoutError after `timeoutMs`, default 10,000. */
  whenProcessed(position: number, options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<void>;
}

const FIELDS: OptionNames<MemoryProjection<unknown, EventShape>> = {
  name: true,
  version: true,
  types: true,
  filter: true,
  initial: true,
  evolve: true,
  snapshotEvery: true,
};

const BATCH_EVENTS = 1_024;
const ATTEMPT = "project to memory";

/**
 * Builds a read model in memory, from a snapshot on `@all` if there is one, and keeps it up to date. Resolves when it has all
 * that was stored at the call.
 *
 * @throws InvalidArgumentError when the definition is invalid.
 *
 * @example
 * ```ts
 * await using total = await projectToMemory(streams, {
 *   name: "total",
 *   types: ["Deposited"],
 *   initial: () => 0,
 *   evolve: (sum, { data }) => sum + data.amount,
 * });
 * console.log(total.state);
 * ```
 */
export async function projectToMemory<S, E extends EventShape>(
  streams: StreamFactory,
  definition: MemoryProjection<S, E>,
): Promise<MemoryReadModel<S>> {
  inAttempt(ATTEMPT, undefined, () => check(definition as never));
  const all = await streams.openStream(ALL_STREAM);
  const source = await EventSource.open(streams);
  const projection = snapshotName(definition);
  const head = (await all.metrics()).currentVersion;
  const snapshot = await all.loadSnapshot<S>({ projection, atOrBefore: head });
  const start =
    snapshot === null
      ? { state: definition.initial(), position: 0 }
      : { state: snapshot.state, position: snapshot.version };
  const model = new MemoryModel<S, E>({ streams, all, source, definition, projection }, start);
  await model.start(head);
  return model;
}

/** Snapshots of another version are of another projection. */
const snapshotName = ({ name, version = 1 }: { readonly name: string; readonly version?: number }): string =>
  `${name}@${version}`;

interface MemoryParts<S, E extends EventShape> {
  readonly streams: StreamFactory;
  readonly all: Stream;
  readonly source: EventSource;
  readonly definition: MemoryProjection<S, E>;
  readonly projection: string;
}

class MemoryModel<S, E extends EventShape> implements MemoryReadModel<S> {
  readonly changes: Observable<S>;
  readonly #parts: MemoryParts<S, E>;
  readonly #subject = new Subject<S>();
  readonly #wake = new Wake();
  readonly #stopping = new AbortController();
  readonly #progress = new Set<() => void>();
  #state: S;
  #position: number;
  #unsaved = 0;
  #stopListening: () => void = () => undefined;
  #following: Promise<void> = Promise.resolve();

  constructor(parts: MemoryParts<S, E>, start: { readonly state: S; readonly position: number }) {
    this.#parts = parts;
    this.#state = start.state;
    this.#position = start.position;
    this.changes = this.#subject.asObservable();
  }

  get state(): S {
    return this.#state;
  }

  get position(): number {
    return this.#position;
  }

  async start(head: number): Promise<void> {
    const { source, streams } = this.#parts;
    this.#stopListening = await source.onCommit(streams, () => this.#wake.wake());
    while (this.#position < head) await this.#takeBatch();
    this.#following = this.#follow();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) if (!(await this.#takeBatch())) await this.#wake.wait();
      this.#subject.complete();
    } catch (error) {
      if (signal.aborted) this.#subject.complete();
      else this.#subject.error(error);
    }
  }

  /** @returns whether there may be more */
  async #takeBatch(): Promise<boolean> {
    const { source, definition, all, projection } = this.#parts;
    const query = { after: this.#position, limit: BATCH_EVENTS, signal: this.#stopping.signal };
    const { events, upTo, head } = await source.read({ types: definition.types, filter: definition.filter }, query);
    for (const event of events) {
      this.#state = definition.evolve(this.#state, event as StoredEvent<E>);
      this.#position = event.position;
      this.#unsaved += 1;
      this.#subject.next(this.#state);
    }
    this.#position = upTo;
    for (const listener of [...this.#progress]) listener();
    const { snapshotEvery } = definition;
    if (snapshotEvery !== undefined && this.#unsaved >= snapshotEvery) {
      await all.snapshot(this.#state, { version: this.#position, projection, keep: 1 });
      this.#unsaved = 0;
    }
    return upTo < head;
  }

  async whenProcessed(position: number, options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<void> {
    const { name } = this.#parts.definition;
    await waitUntilProcessed(name, position, options, async () => this.#position >= position, this.#progress);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    this.#stopping.abort();
    this.#wake.wake();
    await this.#following;
    await this.#parts.source[Symbol.asyncDispose]();
    await this.#parts.all[Symbol.asyncDispose]();
  }
}

function check(definition: MemoryProjection<never, never>): void {
  if (typeof definition !== "object" || definition === null) {
    throw invalidArgument("definition", `expected { name, initial, evolve }, got ${describeValue(definition)}`);
  }
  checkOptions(definition, FIELDS as never);
  const { name, version = 1, types, filter, initial, evolve, snapshotEvery = 1 } = definition;
  checkPlainName("name", name);
  checkCount("version", version);
  parseFilter(filterOf({ types, filter }));
  checkFunction("initial", initial);
  checkFunction("evolve", evolve);
  if (initial === undefined || evolve === undefined) {
    throw invalidArgument("definition", `expected initial and evolve, got ${describeValue(definition)}`);
  }
  checkCount("snapshotEvery", snapshotEvery);
}

function checkCount(argument: string, value: unknown): void {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return;
  throw invalidArgument(argument, `expected a whole number, 1 or more, got ${describeValue(value)}`);
}
