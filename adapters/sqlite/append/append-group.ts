import type { AppendRequest, ContentsBatch, PlacedEvent } from "../../../protocols/index.js";
import type { CommitFeed } from "../../../src/adapter-kit/commit-feed.js";
import { importContents } from "../copy/import-contents.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { OpenFiles } from "../open/open-files.js";
import type { KnownTail } from "../read/known-tail.js";
import { isConstraint, isMismatch } from "../sqlite-errors.js";
import { inTransaction } from "../transaction/transaction.js";
import {
  type AppendOutcome,
  type AppendPlan,
  type GroupMember,
  headsAfter,
  isUnit,
  type KnownStore,
  planAppends,
  requestsOf,
} from "./append-plan.js";
import {
  hasKeys,
  READ_NUMBERS,
  type ReadNumbers,
  readBeginning,
  readKeys,
  readNumbers,
  type StoredKeys,
} from "./append-statements.js";
import { AppendsInTransaction, type StoringContext } from "./appends-in-transaction.js";
import { ConditionLooks } from "./condition-looks.js";
import { type RowNumbers, statementChunks } from "./event-rows.js";
import { INSERT_ONE, insertEvents } from "./insert-events.js";
import { insertWithNames, prepareInsertWithNames } from "./insert-with-names.js";
import { nameNew, namesIn } from "./number-names.js";
import { type LastEvent, RememberedStore, type StreamHead } from "./remembered-store.js";

const NO_KEYS: KnownStore["keys"] = new Map();
const NOTHING_STORED: StoredKeys = { lastEvents: [], keys: NO_KEYS };

/** The context of storing groups. */
export interface AppendGroupContext extends StoringContext {
  /** Absent for a database in memory. */
  readonly files: OpenFiles | undefined;
  /** Absent where there is no log whose end could be known. */
  readonly tail: KnownTail | undefined;
  readonly feed: CommitFeed;
}

/** A group of appends, and what its statements are made of. */
interface Group {
  readonly members: readonly GroupMember[];
  readonly requests: readonly AppendRequest[];
  readonly looks: ConditionLooks | undefined;
}

/**
 * Stores a group of appends as one atomic step. There are four ways, the cheapest first, and each leaves what it cannot
 * do to the next:
 *
 * 1. *As if new*. The group is planned on what this process remembers, as if none of its keys were stored. The statement
 *    that stores the events does nothing unless the store's last event is still the remembered one. Most groups take
 *    this one statement, and so one hop to the thread pool.
 * 2. *As retried*. A key is stored already. One statement reads the group's keys together with the last event, so that
 *    both are of one state of the store. If that is the remembered state, the group is planned again, with the keys:
 *    what is left is stored as before, and where nothing is left there is no transaction at all.
 * 3. *As read*. What is not remembered is read, the group is planned on it, and stored by one statement with the names
 *    that are new: it too does nothing unless the store's last event is still the one that was read.
 * 4. *In a transaction*. Everything is read, decided and stored between BEGIN IMMEDIATE and COMMIT. The write lock is
 *    held over several turns of the event loop, and so for as long as other code keeps the main thread busy.
 *
 * No append is ever refused on what is remembered alone.
 */
export class AppendGroup {
  readonly #remembered = new RememberedStore();
  readonly #context: AppendGroupContext;
  /** Whether the group before held nothing but retries: then this one probably does too. */
  #expectsRetries = false;

  constructor(context: AppendGroupContext) {
    this.#context = context;
  }

  /** Prepares what the first append of an event takes, so that it does not wait for that. */
  async prepare(connection: SQLiteConnection): Promise<void> {
    // First: SQLite compiles again what was prepared before a temporary view is made.
    await prepareInsertWithNames(connection);
    for (const sql of [READ_NUMBERS, INSERT_ONE]) await connection.prepare(sql);
  }

  async store(connection: SQLiteConnection, members: readonly GroupMember[]): Promise<readonly AppendOutcome[]> {
    const looks = members.some(isUnit) ? ConditionLooks.of(connection, members, this.#context.indexes) : undefined;
    const group = { members, requests: requestsOf(members), looks };
    return (
      (await this.#storeOnMemory(connection, group)) ??
      (await this.#storeAsRead(connection, group)) ??
      (await this.#storeInTransaction(connection, group))
    );
  }

  /** Imports a part of another store, and publishes its events. */
  async import(connection: SQLiteConnection, batch: ContentsBatch): Promise<boolean> {
    const { checksums, feed } = this.#context;
    const isImported = await importContents(connection, batch, checksums);
    const events = batch.put?.events ?? [];
    if (isImported && events.length > 0) feed.publish({ previousPosition: batch.after, events });
    return isImported;
  }

  /** Forgets what is remembered of the store, which a failure, or another copy of it, may have left untrue. */
  failed(): void {
    this.#remembered.forget();
    this.#context.tail?.forget();
  }

  async #storeOnMemory(connection: SQLiteConnection, group: Group): Promise<readonly AppendOutcome[] | null> {
    const { last, heads } = this.#remembered;
    if (last === undefined || last.id === null || !group.requests.every(({ streamId }) => heads.has(streamId)))
      return null;
    if (this.#expectsRetries || group.requests.some((request) => mayHaveRemovedKeys(request, heads)))
      return this.#storeAsRetried(connection, group, last);
    const planning = this.#plan(group, { position: last.position, heads, keys: NO_KEYS });
    const plan = planning instanceof Promise ? await planning : planning;
    if (!plan.isPlain || plan.events.length === 0) return null;
    try {
      return await this.#insertPlanned(connection, plan, last);
    } catch (error) {
      if (!isConstraint(error)) throw error;
      // A key is stored already. The insertion was undone; what is remembered is still true.
      return this.#storeAsRetried(connection, group, last);
    }
  }

  /** Plans at once where there are no conditions to look at. */
  #plan({ members, looks }: Group, known: KnownStore): AppendPlan | Promise<AppendPlan> {
    if (looks === undefined) return planAppends(members, known, this.#context);
    return looks
      .matchesUpTo(known.position)
      .then((matches) => planAppends(members, { ...known, matches }, this.#context));
  }

  async #storeAsRetried(
    connection: SQLiteConnection,
    group: Group,
    last: LastEvent,
  ): Promise<readonly AppendOutcome[] | null> {
    const { heads } = this.#remembered;
    const { lastEvents, keys } = await readKeys(connection, group.requests, heads);
    this.#expectsRetries = false;
    if (!lastEvents.every((event) => this.#remembered.endsWith(event))) return null;
    const plan = await this.#plan(group, { position: last.position, heads, keys });
    this.#expectsRetries = isRetry(plan);
    if (plan.events.length > 0) return this.#insertPlanned(connection, plan, last);
    await this.#context.files?.checkWithLog(connection);
    return plan.outcomes;
  }

  /** Stores what was planned on what is known; null when that is not enough, or not true any more. */
  async #insertPlanned(
    connection: SQLiteConnection,
    plan: AppendPlan,
    last: LastEvent,
    { heads: streams, types }: Pick<ReadNumbers, "heads" | "types"> = this.#remembered,
  ): Promise<readonly AppendOutcome[] | null> {
    if (!plan.events.every(({ event }) => types.has(event.type))) return null;
    if (await insertAtOnce(connection, plan, { streams, types, checksums: this.#context.checksums }, last)) {
      await this.#committed(connection, plan, last, streams);
      return plan.outcomes;
    }
    this.failed();
    return null;
  }

  async #storeAsRead(connection: SQLiteConnection, group: Group): Promise<readonly AppendOutcome[] | null> {
    const read = await readNumbers(connection, ...namesIn(group.requests));
    const { last, heads, hasCounter } = read;
    if (!this.#remembered.endsWith(last)) this.failed();
    // Without an event at the last position there is nothing to know the store by. Without the counter no statement
    // that compares it inserts anything.
    if (!hasCounter || (last.id === null && last.position > 0)) return null;
    this.#remembered.learnTypes(read.types);
    this.#remembered.learn(last, heads);
    const { lastEvents, keys } = hasKeys(group.requests)
      ? await readKeys(connection, group.requests, heads)
      : NOTHING_STORED;
    if (!lastEvents.every((event) => this.#remembered.endsWith(event))) return null;
    const plan = await this.#plan(group, { position: last.position, heads, keys });
    this.#expectsRetries = isRetry(plan);
    if (plan.events.length > 0) return this.#insertAsRead(connection, plan, read);
    await this.#context.files?.checkWithLog(connection);
    return plan.outcomes;
  }

  async #insertAsRead(
    connection: SQLiteConnection,
    plan: AppendPlan,
    read: ReadNumbers,
  ): Promise<readonly AppendOutcome[] | null> {
    const { last } = read;
    const named = nameNew(plan, read);
    if (named === null) return this.#insertPlanned(connection, plan, last, read);
    if (statementChunks(plan.events).length > 1) return null;
    const { streams, types, ...names } = named;
    const numbers = { streams, types, checksums: this.#context.checksums };
    try {
      await insertWithNames(connection, plan.events, numbers, last, names);
    } catch (error) {
      if (!isConstraint(error) && !isMismatch(error)) throw error;
      // Somebody else has stored something since it was read.
      this.failed();
      return null;
    }
    this.#remembered.learnTypes(types);
    await this.#committed(connection, plan, last, streams);
    return plan.outcomes;
  }

  async #storeInTransaction(connection: SQLiteConnection, { members }: Group): Promise<readonly AppendOutcome[]> {
    const { appends, plan } = await inTransaction(connection, async () => {
      const appends = await this.begin(connection);
      const plan = await appends.store(members);
      appends.keep();
      return { appends, plan };
    });
    this.#expectsRetries = isRetry(plan);
    await this.committed(connection, appends);
    return plan.outcomes;
  }

  /** Begins to store inside a transaction that was opened. */
  async begin(connection: SQLiteConnection): Promise<AppendsInTransaction> {
    const beginning = await readBeginning(connection);
    if (!this.#remembered.endsWith(beginning.last)) this.failed();
    return new AppendsInTransaction(connection, beginning, this.#remembered, this.#context);
  }

  /** Comes after the commit of such a transaction. */
  async committed(connection: SQLiteConnection, { before, heads, types, events }: AppendsInTransaction): Promise<void> {
    await this.#context.files?.checkWithLog(connection);
    this.#remembered.learnTypes(types);
    this.#publish(events, before, heads);
  }

  /** Comes after each commit. Nobody hears of it before the files are known to be those of this store. */
  async #committed(
    connection: SQLiteConnection,
    plan: AppendPlan,
    previous: LastEvent,
    streams: ReadonlyMap<string, StreamHead>,
  ): Promise<void> {
    const checking = this.#context.files?.checkWithLog(connection);
    if (checking !== undefined) await checking;
    this.#publish(plan.events, previous, headsAfter(plan, streams));
  }

  /** Remembers where the store ends now, and tells watchers. */
  #publish(events: readonly PlacedEvent[], previous: LastEvent, heads: Iterable<readonly [string, StreamHead]>): void {
    const last = events.at(-1);
    if (last === undefined) return;
    const { position, timestampMs, event } = last;
    this.#remembered.learn({ position, timestampMs, id: event.id }, heads);
    this.#context.tail?.stored(events, this.#remembered.heads);
    this.#context.feed.publish({ previousPosition: previous.position, events });
  }
}

/** Whether the index of keys may lack a key of the request, so that it would be stored again. */
function mayHaveRemovedKeys({ streamId, events }: AppendRequest, heads: ReadonlyMap<string, StreamHead>): boolean {
  return heads.get(streamId)?.isPruned === true && events.some(({ idempotencyKey }) => idempotencyKey !== null);
}

/** Whether everything in a group is stored already. */
function isRetry({ events, outcomes }: AppendPlan): boolean {
  return events.length === 0 && outcomes.every((outcome) => "result" in outcome);
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
