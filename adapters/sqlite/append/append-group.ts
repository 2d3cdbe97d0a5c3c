import type { AppendRequest } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { CommitFeed } from "../notify/commit-feed.js";
import { isConstraint } from "../sqlite-errors.js";
import { BEGIN, COMMIT, inTransaction } from "../transaction/transaction.js";
import { type AppendOutcome, type AppendPlan, type KnownStore, planAppends } from "./append-plan.js";
import {
  INSERT_STREAMS,
  INSERT_TYPES,
  insertStreams,
  insertTypes,
  READ_NUMBERS,
  readKeys,
  readNumbers,
} from "./append-statements.js";
import { type RowNumbers, statementChunks } from "./event-rows.js";
import { INSERT_ONE, insertEvents } from "./insert-events.js";
import { KnownTypes } from "./known-types.js";
import { type LastEvent, type StreamHead, StreamHeads } from "./stream-heads.js";

const NO_KEYS: KnownStore["keys"] = new Map();

/**
 * Stores a group of appends as one atomic step, in one of two ways.
 *
 * *Guarded*: planned on the heads that this process remembers, as if no key were stored. The statement that stores the
 * events does nothing unless the store's last event is still the one that was planned on. For most groups that is
 * one statement, and so one hop to the thread pool.
 *
 * *Decided*: where the guard says no, a key turns out to be stored, or a plan has anything but plain appends in it,
 * everything is read, decided and stored inside BEGIN IMMEDIATE. No append is ever refused on remembered heads.
 */
export class AppendGroup {
  readonly #heads = new StreamHeads();
  readonly #types = new KnownTypes();
  readonly #feed: CommitFeed;
  readonly #location: string;
  readonly #checksums: boolean;

  constructor(feed: CommitFeed, location: string, checksums: boolean) {
    this.#feed = feed;
    this.#location = location;
    this.#checksums = checksums;
  }

  /** Prepares what the first append of an event takes, so that it does not wait for that. */
  async prepare(connection: SQLiteConnection): Promise<void> {
    const statements = [BEGIN, READ_NUMBERS, INSERT_STREAMS, INSERT_TYPES, INSERT_ONE, COMMIT];
    for (const sql of statements) await connection.prepare(sql);
  }

  async store(connection: SQLiteConnection, requests: readonly AppendRequest[]): Promise<readonly AppendOutcome[]> {
    return (await this.#storeGuarded(connection, requests)) ?? (await this.#storeDecided(connection, requests));
  }

  /** Forgets what is remembered of the store, which a failure, or another copy of it, may have left untrue. */
  failed(): void {
    this.#heads.forget();
    this.#types.forget();
  }

  async #storeGuarded(
    connection: SQLiteConnection,
    requests: readonly AppendRequest[],
  ): Promise<readonly AppendOutcome[] | null> {
    const { last, known } = this.#heads;
    if (last === undefined || last.id === null || !requests.every(({ streamId }) => known.has(streamId))) return null;
    const plan = planAppends(requests, { position: last.position, heads: known, keys: NO_KEYS }, this.#location);
    if (!plan.isPlain || plan.events.length === 0 || !this.#knowsTypes(plan.events)) return null;
    const numbers = { streams: known, types: this.#types.numbers, checksums: this.#checksums };
    try {
      if (await insertAtOnce(connection, plan, numbers, last)) {
        this.#committed(plan, last, known);
        return plan.outcomes;
      }
    } catch (error) {
      if (!isConstraint(error)) throw error;
      // A key is stored already. The insertion was undone; what is remembered is still true.
      return null;
    }
    this.failed();
    return null;
  }

  #knowsTypes(events: AppendPlan["events"]): boolean {
    return events.every(({ event }) => this.#types.numbers.has(event.type));
  }

  async #storeDecided(
    connection: SQLiteConnection,
    requests: readonly AppendRequest[],
  ): Promise<readonly AppendOutcome[]> {
    const decided = await inTransaction(connection, async () => {
      const { last, heads, types: numbered } = await readNumbers(connection, ...namesIn(requests));
      const keys = await readKeys(connection, requests, heads);
      const plan = planAppends(requests, { position: last.position, heads, keys }, this.#location);
      const streams = await numberStreams(connection, plan, heads);
      const types = await numberTypes(connection, plan, numbered);
      const numbers = { streams, types, checksums: this.#checksums };
      if (!(await insertEvents(connection, statementChunks(plan.events), numbers))) {
        throw new Error("the counter of positions moved inside a transaction");
      }
      return { plan, last, streams, types };
    });
    if (!this.#heads.endWith(decided.last)) this.failed();
    this.#types.learn(decided.types);
    this.#heads.learn(decided.last, decided.streams);
    this.#committed(decided.plan, decided.last, decided.streams);
    return decided.plan.outcomes;
  }

  #committed(plan: AppendPlan, previous: LastEvent, streams: ReadonlyMap<string, StreamHead>): void {
    const last = plan.events.at(-1);
    if (last === undefined) return;
    const { position, timestampMs, event } = last;
    this.#heads.learn({ position, timestampMs, id: event.id }, headsAfter(plan, streams));
    this.#feed.publish({ previousPosition: previous.position, events: plan.events });
  }
}

/** The streams and the types of a group, each once. */
function namesIn(requests: readonly AppendRequest[]): [streamIds: string[], types: string[]] {
  const streamIds = new Set(requests.map(({ streamId }) => streamId));
  const types = new Set<string>();
  for (const { events } of requests) for (const { type } of events) types.add(type);
  return [[...streamIds], [...types]];
}

/** Gives a number to the streams that get their first events. */
async function numberStreams(
  connection: SQLiteConnection,
  { lastEvents }: AppendPlan,
  heads: Map<string, StreamHead>,
): Promise<Map<string, StreamHead>> {
  const missing = [...lastEvents.keys()].filter((streamId) => !heads.has(streamId));
  return missing.length === 0 ? heads : new Map([...heads, ...(await insertStreams(connection, missing))]);
}

/** Gives a number to the types that are new among the events to store. */
async function numberTypes(
  connection: SQLiteConnection,
  { events }: AppendPlan,
  numbers: Map<string, number>,
): Promise<Map<string, number>> {
  const missing = new Set<string>();
  for (const { event } of events) if (!numbers.has(event.type)) missing.add(event.type);
  return missing.size === 0 ? numbers : new Map([...numbers, ...(await insertTypes(connection, [...missing]))]);
}

/** The heads of the streams that a plan stores events in, afterwards: worked out while they are learned. */
function* headsAfter({ lastEvents }: AppendPlan, streams: ReadonlyMap<string, StreamHead>) {
  for (const [streamId, { version, position }] of lastEvents) {
    const { id } = streams.get(streamId) as StreamHead;
    yield [streamId, { id, version, position }] as const;
  }
}

/** Inserts a plan's events by one statement, or by several in a transaction. */
function insertAtOnce(
  connection: SQLiteConnection,
  plan: AppendPlan,
  numbers: RowNumbers,
  lastEvent: LastEvent,
): Promise<boolean> {
  const chunks = statementChunks(plan.events);
  const insert = () => insertEvents(connection, chunks, numbers, lastEvent);
  return chunks.length === 1 ? insert() : inTransaction(connection, insert);
}
