import type {
  AppendResult,
  AppendUnit,
  EventPage,
  PlacedEvent,
  ReadQuery,
  StoredEvent,
} from "../../../protocols/index.js";
import type { Commit } from "../../../src/adapter-kit/commit-feed.js";
import { decideAppend, decideUnit } from "../../../src/adapter-kit/decide-append.js";
import { conditionFailed, lookForMatch } from "../../../src/transaction/conditions.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreHistory } from "../history/store-history.js";
import type { ReadContext } from "../read/filter-sql.js";
import { readPage, readPageInTransaction } from "../read/read-page.js";
import { beginLocked } from "../transaction/locked-transaction.js";
import { unconfirmed } from "../transaction/writer.js";
import { type CallAnswer, type CallMember, type CallSettings, callAppend, type StoredPart } from "./append-call.js";
import type { KnownAppend } from "./append-known.js";
import {
  type AppendOutcome,
  callMember,
  type DecidedMember,
  type GroupMember,
  isUnit,
  requestsOf,
  resultOf,
} from "./append-member.js";
import { charactersOf, chunksOf, MAX_CALL_CHARACTERS } from "./call-size.js";
import type { KnownStreams } from "./known-streams.js";
import type { SeenPosition } from "./seen-position.js";
import { readStreamStates, type StreamStates } from "./stream-states.js";

/** How often a member is decided on what is read, while others change it, before it is decided under the lock. */
const MAX_ATTEMPTS = 4;

/** The context of storing events. */
export interface StoringContext extends ReadContext {
  readonly history: StoreHistory;
  readonly now: () => number;
  /** Whether to notify other processes. */
  readonly notify: boolean;
  /** Whether the store has the functions for one event and for known streams. */
  readonly hasAddedFunctions: boolean;
  readonly seen: SeenPosition;
  /** What need not be asked for. */
  readonly known: KnownStreams;
  readonly knownAppend: KnownAppend;
}

/** A member that waits for its outcome. */
export interface Entry {
  readonly member: GroupMember;
  settle(outcome: AppendOutcome): void;
}

interface UndecidedEntry extends Entry {
  decided?: DecidedMember | undefined;
}

/** A call whose answer may have been lost. */
export interface SentCall {
  readonly members: readonly CallMember[];
  readonly timestampMs: number;
}

/**
 * Stores a group of appends, in order, each with an outcome of its own.
 *
 * One call stores those that are clean. The first that is not is decided by the core on what is then read, and with it those
 * behind it that do not depend on earlier ones; what is to be stored of them is sent again under the exact versions that were
 * seen. No lock is held between two calls, so that a process that stops holds up nobody.
 */
export class AppendRun {
  #entries: UndecidedEntry[];
  readonly #context: StoringContext;
  readonly #isLocked: boolean;
  readonly #onStored: (commit: Commit) => void;
  /** The last call that was sent, until its answer. */
  sent: SentCall | undefined;

  /**
   * @param isLocked - whether the connection is in a transaction that holds the lock
   * @param onStored - called with the events of each call
   */
  constructor(
    entries: readonly Entry[],
    context: StoringContext,
    isLocked: boolean,
    onStored: (commit: Commit) => void,
  ) {
    this.#entries = entries.map(({ member, settle }) => ({ member, settle }));
    this.#context = context;
    this.#isLocked = isLocked;
    this.#onStored = onStored;
  }

  /** Stores what has no outcome yet. */
  async run(connection: PostgresConnection): Promise<void> {
    let attempts = 0;
    for (let [first] = this.#entries; first !== undefined; [first] = this.#entries) {
      if (attempts > MAX_ATTEMPTS || charactersOf([first.member]) > MAX_CALL_CHARACTERS) {
        await this.#storeFirstLocked(connection, first);
        attempts = 0;
        continue;
      }
      const before = this.#entries.length;
      this.apply(await this.#call(connection));
      if (this.#entries.length === 0) return;
      attempts = this.#entries.length === before ? attempts + 1 : 0;
      await this.#decide(connection);
    }
  }

  /** Fails what has no outcome yet. The error says what was attempted. */
  fail(errorOf: (attempt: string) => unknown): void {
    for (const { member, settle } of this.#entries.splice(0)) {
      settle({ error: errorOf(attemptOf(requestsOf(member))) });
    }
  }

  /** Takes note of what a call has stored: the first members, in order. */
  apply({ previousPosition, parts }: CallAnswer): void {
    this.sent = undefined;
    this.#notePosition(previousPosition);
    let index = 0;
    const events: PlacedEvent[] = [];
    const heads = new Map<string, number>();
    const numbered: [number, PlacedEvent][] = [];
    while (index < parts.length) {
      const { member, decided, settle } = this.#entries.shift() as UndecidedEntry;
      const results: AppendResult[] = [];
      for (const request of requestsOf(member)) {
        const decision = decided?.decisions[results.length];
        const stored = parts[index++] as StoredPart;
        const { streamId } = request;
        const head = heads.get(streamId) ?? stored.head;
        results.push(resultOf(request, decision, stored, head));
        const before = events.length;
        for (const event of decision?.fresh ?? request.events) {
          const version = stored.version + (events.length + previousPosition + 1 - stored.firstPosition) + 1;
          const position = previousPosition + events.length + 1;
          events.push({ event, streamId, version, position, timestampMs: this.#timestampMs });
          heads.set(streamId, position);
        }
        const last = events.at(-1);
        if (stored.stream !== undefined && last !== undefined && events.length > before) {
          numbered.push([stored.stream, last]);
        }
        request.onPlaced?.(events.slice(before));
      }
      settle({ result: isUnit(member) ? results : (results[0] as (typeof results)[number]) });
    }
    // A transaction may be undone yet.
    if (!this.#isLocked) this.#context.seen.note(previousPosition + events.length);
    if (events.length === 0) return;
    this.#onStored({ previousPosition, events });
    if (this.#isLocked) return;
    for (const [number, last] of numbered) this.#context.known.learn(number, last);
  }

  /** What an open transaction has stored may still be undone. */
  #notePosition(position: number): void {
    if (!this.#isLocked) this.#context.history.notePosition(position);
  }

  #timestampMs = 0;

  async #call(connection: PostgresConnection): Promise<CallAnswer> {
    this.#timestampMs = this.#context.now();
    const members = this.#entries.map(({ member, decided }) => callMember(member, decided));
    this.sent = { members, timestampMs: this.#timestampMs };
    const answer = this.#isLocked ? undefined : await this.#callKnown(connection, members);
    return answer ?? this.#send(connection, members, this.#context.notify);
  }

  async #callKnown(connection: PostgresConnection, members: readonly CallMember[]): Promise<CallAnswer | undefined> {
    const { known, knownAppend, notify, hasAddedFunctions } = this.#context;
    const call = hasAddedFunctions && connection.takesCalls ? known.callOf(members) : undefined;
    if (call === undefined) return undefined;
    const answer = await knownAppend.store(connection, members, call, this.#settings(notify));
    if (answer === undefined) known.noteRefused(members);
    else known.noteHeld();
    return answer;
  }

  #send(connection: PostgresConnection, members: readonly CallMember[], notify: boolean): Promise<CallAnswer> {
    return callAppend(connection, this.#context.names, members, this.#settings(notify));
  }

  #settings(notify: boolean): CallSettings {
    const { history, hasAddedFunctions } = this.#context;
    return { timestampMs: this.#timestampMs, notify, history, hasAddedFunctions };
  }

  /** Decides the first entry, and others that do not depend on entries before them. What stores nothing has its outcome. */
  async #decide(connection: PostgresConnection): Promise<void> {
    const { names } = this.#context;
    const requests = this.#entries.flatMap(({ member }) => requestsOf(member));
    const states = await readStreamStates(connection, names, requests);
    this.#notePosition(states.position);
    const left: UndecidedEntry[] = [];
    const touched = new Set<string>();
    for (const entry of this.#entries) {
      entry.decided = undefined;
      const streamIds = requestsOf(entry.member).map(({ streamId }) => streamId);
      const isLooking = isUnit(entry.member) && entry.member.conditions.length > 0;
      const depends = left.length > 0 && (isLooking || streamIds.some((streamId) => touched.has(streamId)));
      if (!depends && (await this.#decideEntry(connection, entry, states, this.#isLocked))) continue;
      left.push(entry);
      for (const streamId of streamIds) touched.add(streamId);
    }
    this.#entries = left;
  }

  /** @returns whether the entry has its outcome, because it stores nothing */
  async #decideEntry(
    connection: PostgresConnection,
    entry: UndecidedEntry,
    states: StreamStates,
    isInTransaction: boolean,
  ): Promise<boolean> {
    const { member } = entry;
    const requests = requestsOf(member);
    const readIn = isInTransaction ? readPageInTransaction : readPage;
    const read = (query: ReadQuery) => readIn(connection, this.#context, query);
    const match = isUnit(member) ? await findMatch(read, member, states.position) : null;
    try {
      const { location } = this.#context;
      const checkConditions = (): void => {
        if (match !== null) throw conditionFailed(attemptOf(requests), match, location);
      };
      const decisions = isUnit(member)
        ? decideUnit(requests, states.stateOf, checkConditions, location)
        : [decideAppend(member, states.stateOf(member.streamId), location)];
      const versions = requests.map(({ streamId }) => states.stateOf(streamId).version);
      entry.decided = { decisions, versions, position: states.position };
      if (decisions.some(({ fresh }) => fresh.length > 0)) return false;
      const results = requests.map((request, index) => {
        const { version, head } = states.stateOf(request.streamId);
        return resultOf(request, decisions[index], { version, firstPosition: 0 }, head);
      });
      entry.settle({ result: isUnit(member) ? results : (results[0] as (typeof results)[number]) });
    } catch (error) {
      entry.settle({ error });
    }
    return true;
  }

  /** Decides and stores one entry while nobody else can append, by several calls where it is large. */
  async #storeFirstLocked(connection: PostgresConnection, entry: UndecidedEntry): Promise<void> {
    const { names } = this.#context;
    this.#timestampMs = this.#context.now();
    this.sent = { members: [callMember(entry.member, undefined)], timestampMs: this.#timestampMs };
    if (!this.#isLocked) await beginLocked(connection, this.#context);
    try {
      const states = await readStreamStates(connection, names, requestsOf(entry.member));
      const isSettled = await this.#decideEntry(connection, entry, states, true);
      const answer = isSettled ? undefined : await this.#storeDecided(connection, entry);
      if (!this.#isLocked && (await connection.script("COMMIT")).hasWarning) throw unconfirmed();
      if (answer === undefined) this.#entries.shift();
      else this.apply(answer);
    } catch (error) {
      if (!this.#isLocked && connection.isOpen) await connection.script("ROLLBACK").catch(() => undefined);
      throw error;
    }
  }

  async #storeDecided(connection: PostgresConnection, { member, decided }: UndecidedEntry): Promise<CallAnswer> {
    const { parts } = callMember(member, decided);
    this.sent = { members: [{ parts }], timestampMs: this.#timestampMs };
    const stored: StoredPart[] = [];
    let previousPosition: number | undefined;
    const chunks = [...chunksOf(parts)];
    for (const [number, pieces] of chunks.entries()) {
      const notify = this.#context.notify && number === chunks.length - 1;
      const answer = await this.#send(connection, [{ parts: pieces.map(({ part }) => part) }], notify);
      previousPosition ??= answer.previousPosition;
      for (const [index, { number }] of pieces.entries()) stored[number] ??= answer.parts[index] as StoredPart;
    }
    return { previousPosition: previousPosition ?? 0, parts: stored };
  }
}

async function findMatch(
  read: (query: ReadQuery) => Promise<EventPage>,
  { conditions }: AppendUnit,
  upTo: number,
): Promise<StoredEvent | null> {
  for (const condition of conditions) {
    if (condition.after >= upTo) continue;
    const { match } = await lookForMatch(read, condition, upTo);
    if (match !== null) return match;
  }
  return null;
}
