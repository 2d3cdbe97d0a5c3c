import type { AppendRequest } from "../../protocols/index.js";
import { type AppendOutcome, type AppendPlan, type KnownStream, planAppends } from "./append-plan.js";
import {
  eventCharacters,
  insertEvents,
  insertStreams,
  MAX_STATEMENT_CHARACTERS,
  MAX_STATEMENT_EVENTS,
  readHeads,
  readKeys,
  readLastPosition,
  statementChunks,
} from "./append-statements.js";
import type { CommitFeed } from "./commit-feed.js";
import type { SQLiteConnection } from "./driver.js";
import { isConstraint } from "./sqlite-errors.js";
import type { StreamHead, StreamHeads } from "./stream-heads.js";

const NO_KEYS: KnownStream["keys"] = new Map();

/**
 * Stores a group of appends in one transaction, in one of two ways.
 *
 * *Guarded*: planned on the heads that this process remembers, as if no key were stored, and stored by one statement
 * that does nothing unless the store's last position is still the one that was planned on. One hop to the thread pool.
 *
 * *Transaction*: where the guard says no, a key turns out to be stored, or a plan has anything but plain appends in it,
 * everything is read, decided and stored inside BEGIN IMMEDIATE. No append is ever refused on remembered heads.
 */
export class AppendGroup {
  readonly #heads: StreamHeads;
  readonly #feed: CommitFeed;
  readonly #location: string;

  constructor(heads: StreamHeads, feed: CommitFeed, location: string) {
    this.#heads = heads;
    this.#feed = feed;
    this.#location = location;
  }

  /** Tries the guarded way; null when it has to be the transaction. */
  async storeGuarded(
    connection: SQLiteConnection,
    requests: readonly AppendRequest[],
  ): Promise<readonly AppendOutcome[] | null> {
    const { position } = this.#heads;
    if (position === undefined) return null;
    const known = new Map<string, KnownStream & StreamHead>();
    for (const { streamId } of requests) {
      const head = this.#heads.get(streamId);
      if (head === undefined) return null;
      known.set(streamId, { ...head, keys: NO_KEYS });
    }
    const plan = planAppends(requests, known, position, this.#location);
    if (!plan.isPlain || plan.events.length === 0 || !fitsOneStatement(plan)) return null;
    try {
      if (await insertEvents(connection, plan.events, known)) {
        this.#committed(plan, position, known);
        return plan.outcomes;
      }
    } catch (error) {
      if (!isConstraint(error)) throw error;
      // A key is stored already. The statement was undone; what is remembered is still true.
      return null;
    }
    this.#heads.forget();
    return null;
  }

  /** Decides and stores the group inside the transaction that the caller has begun and will commit. */
  async storeInTransaction(
    connection: SQLiteConnection,
    requests: readonly AppendRequest[],
  ): Promise<TransactionOutcome> {
    const position = await readLastPosition(connection);
    const heads = await readHeads(connection, new Set(requests.map(({ streamId }) => streamId)));
    const keys = await readKeys(connection, requests, heads);
    const known = new Map<string, KnownStream>();
    for (const [streamId, head] of heads) known.set(streamId, { ...head, keys: keys.get(head.id) ?? NO_KEYS });
    const plan = planAppends(requests, known, position, this.#location);
    const ids = await this.#streamIds(connection, plan, heads);
    for (const chunk of statementChunks(plan.events)) {
      if (await insertEvents(connection, chunk, ids)) continue;
      throw new Error("the counter of positions moved inside a transaction");
    }
    return { outcomes: plan.outcomes, onCommitted: () => this.#committed(plan, position, ids) };
  }

  /** Forgets what a failed transaction may have left untrue. */
  failed(): void {
    this.#heads.forget();
  }

  async #streamIds(
    connection: SQLiteConnection,
    plan: AppendPlan,
    heads: Map<string, StreamHead>,
  ): Promise<Map<string, StreamHead>> {
    const missing = [...plan.lastPlaces.keys()].filter((streamId) => !heads.has(streamId));
    if (missing.length === 0) return heads;
    await insertStreams(connection, missing);
    const inserted = await readHeads(connection, missing);
    return new Map([...heads, ...inserted]);
  }

  #committed(plan: AppendPlan, previousPosition: number, streams: ReadonlyMap<string, StreamHead>): void {
    const heads = new Map<string, StreamHead>();
    for (const [streamId, head] of streams) {
      const { version, position } = plan.lastPlaces.get(streamId) ?? head;
      heads.set(streamId, { id: head.id, version, position });
    }
    this.#heads.learn(previousPosition, previousPosition + plan.events.length, heads);
    if (plan.events.length > 0) this.#feed.publish({ previousPosition, events: plan.events });
  }
}

/** What a transaction did, to be made known once it is committed. */
export interface TransactionOutcome {
  readonly outcomes: readonly AppendOutcome[];
  readonly onCommitted: () => void;
}

function fitsOneStatement({ events }: AppendPlan): boolean {
  if (events.length > MAX_STATEMENT_EVENTS) return false;
  let characters = 0;
  for (const { event } of events) characters += eventCharacters(event);
  return characters <= MAX_STATEMENT_CHARACTERS;
}
