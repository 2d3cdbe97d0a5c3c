import {
  type AppendRequest,
  type AppendResult,
  type AppendUnit,
  DELETED_EVENT_TYPE,
  type EventPlace,
  type NewEvent,
  type PlacedEvent,
  type StoredEvent,
} from "../../../protocols/index.js";
import { type AppendDecision, decideAppend, decideUnit } from "../../../src/adapter-kit/decide-append.js";
import { decodeEvent } from "../../../src/adapter-kit/decode-event.js";
import { compileFilter } from "../../../src/filter/compile-filter.js";
import { conditionFailed } from "../../../src/transaction/conditions.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import { DamagedCounterError } from "../sqlite-errors.js";
import type { StreamHead } from "./remembered-store.js";

/** A member of a group: an append to one stream, or one to several that share their fate. */
export type GroupMember = AppendRequest | AppendUnit;

export function isUnit(member: GroupMember): member is AppendUnit {
  return "requests" in member;
}

/** All appends of a group, those of units one by one. */
export function requestsOf(members: readonly GroupMember[]): readonly AppendRequest[] {
  return members.some(isUnit)
    ? members.flatMap((member) => (isUnit(member) ? member.requests : [member]))
    : (members as readonly AppendRequest[]);
}

/** The events of a stream that have one of the group's idempotency keys; of removed ones the places. */
type KnownKeys = ReadonlyMap<string, PlacedEvent | EventPlace>;

/** The known state of the store before a group of appends. */
export interface KnownStore {
  readonly position: number;
  /** Those of the group's streams that have a number, and perhaps of others. */
  readonly heads: ReadonlyMap<string, StreamHead>;
  /** The events whose idempotency keys the group has too, by stream id and key. */
  readonly keys: ReadonlyMap<string, KnownKeys>;
  /** The first event that matches a condition, for each unit that has one. Absent where there are no conditions. */
  readonly matches?: ReadonlyMap<AppendUnit, StoredEvent> | undefined;
}

/** The outcome of one member of a group: a unit has a result for each of its appends. */
export type AppendOutcome = { readonly result: AppendResult | readonly AppendResult[] } | { readonly error: unknown };

/** The effect of a group of appends on the store. */
export interface AppendPlan {
  /** One for each member, in order. */
  readonly outcomes: readonly AppendOutcome[];
  /** The events to store, in order, with the places that they get. */
  readonly events: readonly PlacedEvent[];
  /** The last events of the streams that get some. */
  readonly lastEvents: ReadonlyMap<string, PlacedEvent>;
  /** Whether every append stores all of its events: then no stored key and no conflict had a part in it. */
  readonly isPlain: boolean;
}

/** The input of a plan besides the store's state. */
export interface PlanContext {
  readonly location: string;
  /** The clock of the events' timestamps, in milliseconds since 1970. */
  readonly now: () => number;
}

/** Decides a group of appends one after the other, each on what the ones before it leave behind. */
export function planAppends(members: readonly GroupMember[], known: KnownStore, context: PlanContext): AppendPlan {
  const planner = new AppendPlanner(known, context);
  const outcomes = members.map((member) => planner.plan(member));
  const { events, lastEvents, isPlain } = planner;
  checkPlaces(known.position, events);
  return { outcomes, events, lastEvents, isPlain };
}

/**
 * No read returns an event whose position is not above 0, or is one that a number does not hold exactly.
 *
 * @throws DamagedCounterError
 */
function checkPlaces(before: number, events: readonly PlacedEvent[]): void {
  const last = events.at(-1);
  if (last === undefined || (before >= 0 && Number.isSafeInteger(last.position))) return;
  throw new DamagedCounterError("the counter of positions is out of range");
}

class AppendPlanner {
  readonly events: PlacedEvent[] = [];
  readonly lastEvents = new Map<string, PlacedEvent>();
  isPlain = true;
  readonly #known: KnownStore;
  readonly #location: string;
  readonly #timestampMs: number;
  readonly #streams = new Map<string, PlannedStream>();
  #position: number;

  constructor(known: KnownStore, { location, now }: PlanContext) {
    this.#known = known;
    this.#position = known.position;
    this.#location = location;
    this.#timestampMs = now();
  }

  plan(member: GroupMember): AppendOutcome {
    try {
      return { result: isUnit(member) ? this.#planUnit(member) : this.#planAppend(member) };
    } catch (error) {
      this.isPlain = false;
      return { error };
    }
  }

  #planAppend(request: AppendRequest): AppendResult {
    const decision = decideAppend(request, this.#streamOf(request.streamId), this.#location);
    if (request.events.length === 0) this.isPlain = false;
    return this.#placeAll(request, decision);
  }

  // All of it is decided before any of it is placed.
  #planUnit(unit: AppendUnit): readonly AppendResult[] {
    const { requests } = unit;
    const decisions = decideUnit(
      requests,
      (streamId) => this.#streamOf(streamId),
      () => this.#checkConditions(unit),
      this.#location,
    );
    return requests.map((request, index) => this.#placeAll(request, decisions[index] as AppendDecision));
  }

  /** Besides what was found in the store, the events that the group itself places before the unit count. */
  #checkConditions(unit: AppendUnit): void {
    const { requests, conditions } = unit;
    const match = this.#known.matches?.get(unit) ?? this.events.map(storedEventOf).find(matchesAny(conditions));
    if (match !== undefined) throw conditionFailed(attemptOf(requests), match, this.#location);
  }

  #placeAll({ streamId, events, onPlaced }: AppendRequest, { fresh, last }: AppendDecision): AppendResult {
    const stream = this.#streamOf(streamId);
    if (fresh.length < events.length) this.isPlain = false;
    const before = stream.placed.length;
    for (const event of fresh) this.#place(event, streamId, stream);
    onPlaced?.(stream.placed.slice(before));
    if (fresh.length > 0) this.lastEvents.set(streamId, stream.placed.at(-1) as PlacedEvent);
    const place =
      last === undefined ? stream.last : "freshIndex" in last ? stream.placed[before + last.freshIndex] : last;
    const { version, position } = place as LastPlace;
    return { version, position, written: fresh.length };
  }

  #streamOf(streamId: string): PlannedStream {
    const planned = this.#streams.get(streamId);
    if (planned !== undefined) return planned;
    const stream = new PlannedStream(this.#known.heads.get(streamId), this.#known.keys.get(streamId));
    this.#streams.set(streamId, stream);
    return stream;
  }

  #place(event: NewEvent, streamId: string, stream: PlannedStream): void {
    this.#position += 1;
    const version = stream.version + 1;
    const placed = { event, streamId, version, position: this.#position, timestampMs: this.#timestampMs };
    stream.placed.push(placed);
    this.events.push(placed);
  }
}

function storedEventOf(placed: PlacedEvent): StoredEvent {
  return decodeEvent(placed.event, placed);
}

function matchesAny(conditions: AppendUnit["conditions"]): (event: StoredEvent) => boolean {
  const filters = conditions.flatMap(({ anyOf, after }) =>
    anyOf.map((filter) => ({ after, matches: compileFilter(filter) })),
  );
  return (event) => filters.some(({ after, matches }) => event.position > after && matches(event));
}

/** The version and the position of a stream's last event. */
type LastPlace = Pick<PlacedEvent, "version" | "position">;

type PlaceBefore = LastPlace & Pick<StreamHead, "isDeleted">;

const EMPTY: PlaceBefore = { version: 0, position: 0, isDeleted: false };

/** A stream as it is after the appends that have been planned. */
class PlannedStream {
  /** The events that the group itself stores in it. */
  readonly placed: PlacedEvent[] = [];
  readonly #before: PlaceBefore;
  readonly #storedKeys: KnownKeys | undefined;
  /** Those in `placed` that have keys, as far as they have been looked at. */
  #placedKeys: Map<string, PlacedEvent> | undefined;
  #lookedAt = 0;

  constructor(before: PlaceBefore = EMPTY, storedKeys?: KnownKeys) {
    this.#before = before;
    this.#storedKeys = storedKeys;
  }

  get last(): LastPlace {
    return this.placed.at(-1) ?? this.#before;
  }

  get version(): number {
    return this.#before.version + this.placed.length;
  }

  get isDeleted(): boolean {
    return this.#before.isDeleted || isTombstone(this.placed.at(-1));
  }

  findByKey(key: string): PlacedEvent | EventPlace | undefined {
    return this.#storedKeys?.get(key) ?? (this.placed.length === 0 ? undefined : this.#findPlaced(key));
  }

  #findPlaced(key: string): PlacedEvent | undefined {
    this.#placedKeys ??= new Map();
    for (; this.#lookedAt < this.placed.length; this.#lookedAt += 1) {
      const placed = this.placed[this.#lookedAt] as PlacedEvent;
      if (placed.event.idempotencyKey !== null) this.#placedKeys.set(placed.event.idempotencyKey, placed);
    }
    return this.#placedKeys.get(key);
  }
}

/** The heads of the streams that a plan stores events in, afterwards: worked out while they are learned. */
export function* headsAfter({ lastEvents }: AppendPlan, streams: ReadonlyMap<string, StreamHead>) {
  for (const [streamId, last] of lastEvents) {
    const { version, position } = last;
    const { id, isPruned } = streams.get(streamId) as StreamHead;
    yield [streamId, { id, version, position, isDeleted: isTombstone(last), isPruned }] as const;
  }
}

function isTombstone(placed: PlacedEvent | undefined): boolean {
  return placed?.event.type === DELETED_EVENT_TYPE;
}
