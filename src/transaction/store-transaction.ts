import {
  ALL_STREAM,
  type AppendCondition,
  type CandidateEvent,
  type EventPage,
  type ExpectedVersion,
  type ReadOptions,
  type ReadQuery,
  type Records,
  type SQL,
  type SQLStatement,
  type SQLValue,
  StorageError,
  type StorageLimits,
  type StorageSession,
  type StoredEvent,
  type Transaction,
  type WriteResult,
} from "../../protocols/index.js";
import { Lifetime } from "../adapter-kit/lifetime.js";
import { wentBackError } from "../read/beyond-end.js";
import type { PageStorage } from "../read/page-reader.js";
import { readEvents } from "../read/read-events.js";
import { parseReadOptions } from "../read/read-options.js";
import { encodedBytes } from "../stream/content-bytes.js";
import { type MemoryBudget, overloaded } from "../stream/memory-budget.js";
import { checkOptionsAfter, checkStreamId, type OptionNames, streamText } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import { orThrowLater } from "../validate/or-throw-later.js";
import type { EventHooks } from "../view/event-hooks.js";
import { hookedRequest } from "../view/ordered-appends.js";
import { appendRequest } from "../write/append-request.js";
import { uuidV7 } from "../write/uuid-v7.js";
import { conditionFailed, lookForMatch, parseCondition } from "./conditions.js";
import { takeStatement } from "./sql-statement.js";
import type { TransactionCalls } from "./transaction-calls.js";
import { TransactionRecords } from "./transaction-records.js";
import { versionOf } from "./write-all.js";

const WRITE_OPTIONS: OptionNames<{ expectedVersion?: ExpectedVersion }> = { expectedVersion: true };

/** The parts of a transaction. */
export interface TransactionParts {
  readonly session: StorageSession;
  readonly calls: TransactionCalls;
  readonly location: string | undefined;
  readonly limits: StorageLimits | undefined;
  readonly memory: MemoryBudget;
  readonly hooks: EventHooks | undefined;
}

/** A transaction as its callback gets it: checks what comes in, and hands it to the storage's session. */
export class StoreTransaction implements Transaction {
  readonly position: number;
  readonly records: Records;
  readonly sql: SQL;
  readonly #parts: TransactionParts;
  readonly #pages: PageStorage;
  #madeId: string | undefined;

  constructor(parts: TransactionParts) {
    const { session, calls, location } = parts;
    this.#parts = parts;
    this.position = session.head;
    this.records = new TransactionRecords(session.records, calls);
    this.sql = new TransactionSQL(session.sql, calls, location);
    this.#pages = {
      location,
      readPage: (query) => this.#readPage(query),
      getVersion: (streamId) => this.version(streamId),
    };
  }

  /** The same for all events of the transaction. */
  get #id(): string {
    this.#madeId ??= uuidV7(Date.now());
    return this.#madeId;
  }

  write(
    streamId: string,
    events: CandidateEvent | readonly CandidateEvent[],
    options: { readonly expectedVersion?: ExpectedVersion | undefined } = {},
  ): Promise<WriteResult> {
    const { session, calls, location, limits, memory, hooks } = this.#parts;
    const storage = { location, limits };
    const attempt = `write to ${streamText(streamId)}`;
    let reservedBytes = 0;
    // The events are taken as they are now, and take memory while they wait for earlier calls.
    const request = orThrowLater(() => {
      checkStreamId(streamId);
      const encoding = { prepare: hooks?.beforeEncode, transactionId: this.#id };
      checkOptionsAfter(() => appendRequest(streamId, events, "any", storage, encoding), options, WRITE_OPTIONS);
      const { expectedVersion = "any" } = options;
      const checked = appendRequest(streamId, events, expectedVersion, storage, encoding);
      const bytes = encodedBytes(checked.events);
      if (!memory.reserve(bytes)) throw overloaded(attempt, bytes, { storage, memory });
      reservedBytes = bytes;
      return checked;
    });
    const release = (): void => memory.release(reservedBytes);
    const append = async (): Promise<WriteResult> => {
      const ready = hookedRequest(hooks, request(), storage);
      return session.append(ready instanceof Promise ? await calls.unlessAbandoned(ready) : ready);
    };
    return calls.run(attempt, append, release);
  }

  // The type of the events is the caller's word, as it is for streams.
  read(streamId: string, options?: ReadOptions): AsyncIterable<never> {
    return { [Symbol.asyncIterator]: () => this.#readEvents(streamId, options) as AsyncIterator<never> };
  }

  async *#readEvents(streamId: string, options: ReadOptions | undefined): AsyncGenerator<StoredEvent, void> {
    const { calls, memory, location, hooks } = this.#parts;
    const attempt = `read ${streamText(streamId)}`;
    const plan = await calls.run(attempt, async () => {
      checkStreamId(streamId);
      return parseReadOptions(options, hooks);
    });
    const source = {
      storage: this.#pages,
      streamId,
      memory,
      hooks,
      lifetime: new Lifetime(`the transaction${inStore(location)}`),
      // Of a page that was read inside, which may have been rolled back.
      onEvent: () => calls.assertGoingOn(attempt),
      onBeyondEnd: async (place: number, head: number, isGiven: boolean) => {
        if (!isGiven) throw await wentBackError("read", { storage: this.#pages, streamId, place, head, isGiven });
      },
    };
    yield* readEvents(source, () => plan);
  }

  version(streamId: string): Promise<number> {
    return this.#parts.calls.run(`read the version of ${streamText(streamId)}`, async () => {
      checkStreamId(streamId);
      return versionOf(this.#parts.session, streamId);
    });
  }

  require(condition: AppendCondition): Promise<void> {
    const { session, calls, location, hooks } = this.#parts;
    const parsed = orThrowLater(() => parseCondition(condition, hooks));
    return calls.run("check a condition", async () => {
      const { match } = await lookForMatch((query) => session.readPage(query), parsed(), this.position);
      if (match !== null) throw conditionFailed("go on with the transaction", match, location);
    });
  }

  // Nothing that a session reads waits behind other reads. A call of it that is given up would end the transaction.
  #readPage({ signal: _, ...query }: ReadQuery): Promise<EventPage> {
    const { session, calls } = this.#parts;
    const what = query.streamId === ALL_STREAM ? "the store" : `stream "${query.streamId}"`;
    return calls.run(`read ${what}`, () => session.readPage(query));
  }
}

/** The tables of a transaction, or that the store has none. */
export class TransactionSQL implements SQL {
  readonly dialect: SQL["dialect"];
  readonly #sql: SQL | undefined;
  readonly #calls: TransactionCalls;
  readonly #location: string | undefined;

  constructor(sql: SQL | undefined, calls: TransactionCalls, location: string | undefined) {
    this.dialect = sql?.dialect ?? "sqlite";
    this.#sql = sql;
    this.#calls = calls;
    this.#location = location;
  }

  /** Whether the store has any. */
  get isThere(): boolean {
    return this.#sql !== undefined;
  }

  run(statement: SQLStatement): Promise<{ readonly changes: number }> {
    const taken = orThrowLater(() => takeStatement(statement));
    return this.#calls.run("run a statement", () => this.#tables.run(taken()));
  }

  all<Row = Record<string, SQLValue>>(statement: SQLStatement): Promise<Row[]> {
    const taken = orThrowLater(() => takeStatement(statement));
    return this.#calls.run("run a statement", () => this.#tables.all<Row>(taken()));
  }

  get #tables(): SQL {
    if (this.#sql === undefined) throw noSQL("run a statement", this.#location);
    return this.#sql;
  }
}

/** Says that a store has no tables. */
export function noSQL(attempt: string, location: string | undefined): StorageError {
  const message = `Cannot ${attempt}${inStore(location)}: this store has no SQL. Use records, or a store over SQLite.`;
  return new StorageError("STORAGE_UNSUPPORTED", message);
}
