import { ALL_STREAM, type EventPage, type PlacedEvent, type ReadQuery } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { FieldIndex } from "../indexes/field-index.js";
import { readPage } from "../read/read-page.js";
import { head } from "../read/stream-figures.js";
import { DamagedCounterError } from "../sqlite-errors.js";
import {
  type AppendPlan,
  type GroupMember,
  headsAfter,
  type PlanContext,
  planAppends,
  requestsOf,
} from "./append-plan.js";
import { type Beginning, hasKeys, readKeys, readNumbers } from "./append-statements.js";
import { ConditionLooks } from "./condition-looks.js";
import { statementChunks } from "./event-rows.js";
import { insertEvents } from "./insert-events.js";
import { namesIn, numberStreams, numberTypes } from "./number-names.js";
import type { LastEvent, RememberedStore, StreamHead } from "./remembered-store.js";

/** The context of storing events. */
export interface StoringContext extends PlanContext {
  /** Whether each event is stored with one. */
  readonly checksums: boolean;
  /** What conditions, and reads inside a transaction, may use. */
  readonly indexes: readonly FieldIndex[];
}

/** What one member of a transaction has learned and stored. */
class Layer {
  readonly heads = new Map<string, StreamHead>();
  readonly types = new Map<string, number>();
  readonly events: PlacedEvent[] = [];

  copy(): Layer {
    const copy = new Layer();
    for (const [streamId, head] of this.heads) copy.heads.set(streamId, head);
    for (const [type, number] of this.types) copy.types.set(type, number);
    copy.events.push(...this.events);
    return copy;
  }
}

/**
 * Stores appends inside an open transaction. Nobody else can append meanwhile, so what is remembered of the store stays
 * true if it is true at the beginning.
 *
 * A transaction has members, one after the other, each of which can be undone alone.
 */
export class AppendsInTransaction {
  /** The last event before the transaction. */
  readonly before: LastEvent;
  /** Whether a table may have foreign keys that are checked at the commit. */
  readonly hasDeferredKeys: boolean;
  readonly #connection: SQLiteConnection;
  readonly #context: StoringContext;
  readonly #remembered: RememberedStore;
  /** What the members that are kept have done. */
  readonly #kept = new Layer();
  #member = new Layer();

  /** @param remembered - true as of the beginning */
  constructor(
    connection: SQLiteConnection,
    { last, hasDeferredKeys }: Beginning,
    remembered: RememberedStore,
    context: StoringContext,
  ) {
    this.#connection = connection;
    this.before = last;
    this.hasDeferredKeys = hasDeferredKeys;
    this.#remembered = remembered;
    this.#context = context;
  }

  /** The position of the last event now. The counter of positions may be ahead of it. */
  async head(): Promise<number> {
    const isCounter = this.#kept.events.length + this.#member.events.length === 0 && this.before.id === null;
    return isCounter && this.position > 0 ? head(this.#connection, { streamId: ALL_STREAM }) : this.position;
  }

  /** The last position that was given. */
  get position(): number {
    return this.before.position + this.#kept.events.length + this.#member.events.length;
  }

  /** The events of the members that are kept. */
  get events(): readonly PlacedEvent[] {
    return this.#kept.events;
  }

  /** The heads of streams as the members that are kept leave them. */
  get heads(): ReadonlyMap<string, StreamHead> {
    return this.#kept.heads;
  }

  get types(): ReadonlyMap<string, number> {
    return this.#kept.types;
  }

  /** The member has ended, and what it did stays. */
  keep(): void {
    for (const [streamId, head] of this.#member.heads) this.#kept.heads.set(streamId, head);
    for (const [type, number] of this.#member.types) this.#kept.types.set(type, number);
    for (const event of this.#member.events) this.#kept.events.push(event);
    this.#member = new Layer();
  }

  /** The member has ended, and what it did was undone. */
  drop(): void {
    this.#member = new Layer();
  }

  /** Notes what the member has done so far. @returns forgets what it has done since, which was undone */
  mark(): () => void {
    const marked = this.#member.copy();
    return () => {
      this.#member = marked;
    };
  }

  /** Decides appends one after the other, and stores what they store. */
  async store(members: readonly GroupMember[]): Promise<AppendPlan> {
    const requests = requestsOf(members);
    const [streamIds, types] = namesIn(requests);
    const heads = await this.#known(streamIds, types);
    const keys = hasKeys(requests) ? (await readKeys(this.#connection, requests, heads)).keys : new Map();
    const { position } = this;
    const matches = await ConditionLooks.of(this.#connection, members, this.#context.indexes)?.matchesUpTo(position);
    const plan = planAppends(members, { position, heads, keys, matches }, this.#context);
    if (plan.events.length > 0) await this.#insert(plan, heads);
    return plan;
  }

  async #insert(plan: AppendPlan, heads: ReadonlyMap<string, StreamHead>): Promise<void> {
    const streams = await numberStreams(this.#connection, plan, heads);
    const types = await numberTypes(this.#connection, plan, this.#typesOf(plan));
    const numbers = { streams, types, checksums: this.#context.checksums };
    if (!(await insertEvents(this.#connection, statementChunks(plan.events), numbers))) {
      // Nobody else can have moved the counter of positions inside a transaction.
      throw new DamagedCounterError("the counter of positions is not what it was");
    }
    for (const [streamId, head] of headsAfter(plan, streams)) this.#member.heads.set(streamId, head);
    for (const [type, number] of types) this.#member.types.set(type, number);
    for (const event of plan.events) this.#member.events.push(event);
  }

  /** Reads with what the transaction has stored. */
  readPage(query: ReadQuery): Promise<EventPage> {
    const { indexes, location } = this.#context;
    return readPage(this.#connection, query, indexes, location);
  }

  /** The heads of those streams that have a number; those that are not known are read, and types with them. */
  async #known(streamIds: readonly string[], types: readonly string[]): Promise<Map<string, StreamHead>> {
    const unknownIds = streamIds.filter((streamId) => this.#headOf(streamId) === undefined);
    const unknownTypes = types.filter((type) => this.#typeNumber(type) === undefined);
    if (unknownIds.length + unknownTypes.length > 0) {
      const read = await readNumbers(this.#connection, unknownIds, unknownTypes);
      for (const [streamId, head] of read.heads) this.#member.heads.set(streamId, head);
      for (const [type, number] of read.types) this.#member.types.set(type, number);
    }
    const heads = new Map<string, StreamHead>();
    for (const streamId of streamIds) {
      const head = this.#headOf(streamId);
      if (head !== undefined) heads.set(streamId, head);
    }
    return heads;
  }

  #typesOf({ events }: AppendPlan): Map<string, number> {
    const types = new Map<string, number>();
    for (const { event } of events) {
      const number = this.#typeNumber(event.type);
      if (number !== undefined) types.set(event.type, number);
    }
    return types;
  }

  #headOf(streamId: string): StreamHead | undefined {
    return this.#member.heads.get(streamId) ?? this.#kept.heads.get(streamId) ?? this.#remembered.heads.get(streamId);
  }

  #typeNumber(type: string): number | undefined {
    return this.#member.types.get(type) ?? this.#kept.types.get(type) ?? this.#remembered.types.get(type);
  }
}
