import {
  ALL_STREAM,
  isStreamError,
  type ParsedClause,
  type ReadQuery,
  type StorageSession,
  type StoredEvent,
} from "../../protocols/index.js";
import { filterOf, isWanted } from "../consumers/wanted-events.js";
import { compileFilter } from "../filter/compile-filter.js";
import { parseFilter } from "../filter/parse-filter.js";
import type { Participant } from "../stream/participant.js";
import { TransactionSQL } from "../transaction/store-transaction.js";
import type { TransactionCalls } from "../transaction/transaction-calls.js";
import type { EventHooks } from "../view/event-hooks.js";
import type { BuildPace } from "./build-pace.js";
import { shownBefore } from "./builds.js";
import type { ParsedProjection } from "./definition.js";
import { recordsInTurn, transactionMs } from "./model-store.js";
import { type Build, type BuildState, readBuild, type Spaces, writeBuild } from "./projection-records.js";
import { VersionedContext } from "./versioned-context.js";

const PAGE_EVENTS = 1_024;

/** More missed events than these are left to the runner: a write must not wait for them. */
const MAX_MISSED_EVENTS = 10_000;

/** The same for a build that readers do not see yet, while nobody here knows how long its events take. */
const MAX_MISSED_OF_UNKNOWN_PACE = 256;

/** What an inline projection works with. */
interface InlineParts {
  readonly location: string | undefined;
  readonly hooks: EventHooks | undefined;
  readonly leaseMs: number;
  readonly pace: BuildPace;
}

/** Projects in the transaction of each write that stores events which a projection wants. */
export class InlineProjection implements Participant {
  readonly timeoutMs: number;
  readonly #projection: ParsedProjection;
  readonly #build: Build;
  readonly #spaces: Spaces;
  readonly #location: string | undefined;
  readonly #hooks: EventHooks | undefined;
  readonly #pace: BuildPace;
  readonly #clauses: readonly ParsedClause[];
  readonly #matches: (event: StoredEvent) => boolean;

  /** @param hooks - those of the store that the projection was started on, whoever writes the events */
  constructor(
    projection: ParsedProjection,
    build: Build,
    spaces: Spaces,
    { location, hooks, leaseMs, pace }: InlineParts,
  ) {
    this.timeoutMs = transactionMs(leaseMs);
    this.#projection = projection;
    this.#build = build;
    this.#spaces = spaces;
    this.#location = location;
    this.#hooks = hooks;
    this.#pace = pace;
    this.#clauses = parseFilter(filterOf(projection), hooks);
    this.#matches = compileFilter(this.#clauses);
  }

  wants(types: ReadonlySet<string>): boolean {
    for (const type of types) if (this.#wantsType(type)) return true;
    return false;
  }

  #wantsType(type: string): boolean {
    const { types } = this.#projection;
    return types === undefined ? isWanted(type, types) : types.includes(type);
  }

  /** Takes what other processes have written meanwhile first. Needs no lease: the write lock is its fence. */
  async join(session: StorageSession, calls: TransactionCalls): Promise<void> {
    const records = recordsOf(session, calls);
    const found = await readBuild(records, this.#spaces, this.#build);
    if (found === null || found.value.mayLackEvents === true) return;
    const isNew = !found.value.hasCaughtUp && (await shownBefore(records, this.#spaces, this.#build)) !== null;
    const most = isNew ? (this.#pace.fitting ?? MAX_MISSED_OF_UNKNOWN_PACE) : MAX_MISSED_EVENTS;
    const place = { after: found.value.position, most: Math.min(Math.max(1, most), MAX_MISSED_EVENTS) };
    const missed = await this.#missed(session, calls, place);
    if (missed === undefined || missed.events.length === 0) return;
    const events = await this.#read(missed.events, calls);
    if (events === undefined) return;
    const state: BuildState = { ...found.value, position: missed.upTo };
    await writeBuild(records, this.#spaces, this.#build, state, found.revision);
    const sql = new TransactionSQL(session.sql, calls, this.#location);
    const tx = { location: this.#location, sql, hasSQL: session.sql !== undefined, records };
    if (events.length > 0) await this.#projection.project(events, new VersionedContext(tx, this.#build, this.#spaces));
  }

  /**
   * Keeps its record from holding up a removal of events that it does not want: they write nothing as they are stored. What it
   * wants and has missed it takes with the next write, or its runner does.
   */
  async passOverUnwanted(session: StorageSession, calls: TransactionCalls): Promise<void> {
    const records = recordsOf(session, calls);
    const found = await readBuild(records, this.#spaces, this.#build);
    if (found === null || found.value.mayLackEvents === true) return;
    const position = await this.#unwantedUpTo(session, calls, found.value.position);
    if (position <= found.value.position) return;
    await writeBuild(records, this.#spaces, this.#build, { ...found.value, position }, found.revision);
  }

  /** Up to where nothing behind a position is wanted. */
  async #unwantedUpTo(session: StorageSession, calls: TransactionCalls, position: number): Promise<number> {
    let after = position;
    for (let passed = 0; passed < MAX_MISSED_EVENTS; ) {
      const page = await this.#page(session, calls, { after, limit: PAGE_EVENTS });
      const [wanted] = page.wanted;
      if (wanted !== undefined) return wanted.position - 1;
      if (page.next === null) return page.head;
      passed += page.count;
      after = page.next;
    }
    return after;
  }

  /** The events as readers get them. Undefined: this process does not know a version. What it cannot read it leaves to others. */
  async #read(events: readonly StoredEvent[], calls: TransactionCalls): Promise<readonly StoredEvent[] | undefined> {
    const afterRead = this.#hooks?.afterRead;
    if (afterRead === undefined) return events;
    return calls.run("read for a projection", async () => {
      const read = afterRead(events);
      const result = read instanceof Promise ? await calls.unlessAbandoned(read) : read;
      if (isStreamError(result.failure?.error, "EVENT_VERSION")) return undefined;
      if (result.failure !== undefined) throw result.failure.error;
      return result.events;
    });
  }

  /** What is wanted behind a position, this transaction's own events included. Undefined: too much. */
  async #missed(
    session: StorageSession,
    calls: TransactionCalls,
    { after: position, most }: { readonly after: number; readonly most: number },
  ) {
    const events: StoredEvent[] = [];
    let after = position;
    let passed = 0;
    for (;;) {
      const page = await this.#page(session, calls, { after, limit: Math.min(PAGE_EVENTS, most) });
      for (const event of page.wanted) events.push(event);
      passed += page.count;
      if (page.next === null) return { events, upTo: Math.max(position, page.head) };
      if (passed >= most) return undefined;
      after = page.next;
    }
  }

  /** One page behind a position: what is wanted of it, and how many events the storage has found. */
  async #page(session: StorageSession, calls: TransactionCalls, place: Pick<ReadQuery, "after" | "limit">) {
    const query = { streamId: ALL_STREAM, ...place, filter: this.#clauses } as const;
    const page = await calls.run("read for a projection", () => session.readPage({ ...query, direction: "forward" }));
    const wanted = page.events.filter((event) => this.#matches(event) && this.#wantsType(event.type));
    return { wanted, count: page.events.length, next: page.next, head: page.head };
  }
}

/** The records of a transaction, through its calls. */
function recordsOf(session: StorageSession, calls: TransactionCalls) {
  return recordsInTurn((use) => calls.run("use the records of a projection", () => use(session.records)));
}
