import type {
  AppendRequest,
  AppendResult,
  AppendUnit,
  AtomicStorage,
  ParsedCondition,
  StorageHandle,
  StorageSession,
  StreamWrite,
  TransactionalStorage,
  UnitRequest,
  WriteAllOptions,
} from "../../protocols/index.js";
import { checkVersionInUnit, countDifferent } from "../adapter-kit/decide-append.js";
import { MAX_UNIT_EVENTS, MAX_UNIT_STREAMS } from "../limits.js";
import { joinAll, type Participant } from "../stream/participant.js";
import {
  checkOptions,
  checkSignal,
  checkStreamId,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { isList } from "../validate/is-list.js";
import { describeValue } from "../validate/json-text.js";
import type { EventHooks } from "../view/event-hooks.js";
import { appendRequest } from "../write/append-request.js";
import type { LimitedStorage } from "../write/check-limits.js";
import type { EncodeOptions } from "../write/encode-events.js";
import { uuidV7 } from "../write/uuid-v7.js";
import { conditionFailed, lookForMatch, parseConditions } from "./conditions.js";
import { isAtomic } from "./storage-kinds.js";

const OPTIONS: OptionNames<WriteAllOptions> = { conditions: true, signal: true };
const WRITE_FIELDS: OptionNames<StreamWrite> = { streamId: true, events: true, expectedVersion: true };

/** Checks the writes of a unit, and encodes their events as they are at this moment. */
export function appendUnit(
  writes: readonly StreamWrite[],
  options: WriteAllOptions,
  storage: LimitedStorage,
  hooks?: EventHooks,
): AppendUnit {
  checkOptions(options, OPTIONS);
  const { conditions, signal } = options;
  checkSignal(signal);
  signal?.throwIfAborted();
  if (!isList(writes)) throw invalidArgument("writes", `expected a list, got ${describeValue(writes)}`);
  if (writes.length > MAX_UNIT_STREAMS) {
    throw invalidArgument("writes", `${writes.length} streams are more than ${MAX_UNIT_STREAMS}`);
  }
  const list = Array.from(writes as readonly StreamWrite[], (write) => takeWrite(write));
  checkUnit(list);
  const encoding = { prepare: hooks?.beforeEncode, transactionId: transactionIdOf(list) };
  return {
    requests: list.map((write) => requestOf(write, storage, encoding)),
    conditions: parseConditions(conditions, hooks),
    signal,
  };
}

/** A write with its defaults. */
type TakenWrite = { readonly [K in keyof StreamWrite]-?: NonNullable<StreamWrite[K]> };

/** Reads each field once: what is checked is what is stored. */
function takeWrite(write: StreamWrite): TakenWrite {
  if (typeof write !== "object" || write === null) {
    throw invalidArgument("writes", `expected { streamId, events?, expectedVersion? }, got ${describeValue(write)}`);
  }
  checkOptions(write, WRITE_FIELDS, "field");
  const { streamId, events = [], expectedVersion = "any" } = write;
  checkStreamId(streamId);
  return { streamId, events, expectedVersion };
}

/** What is stored in one stream only needs nothing that holds it together. */
function transactionIdOf(writes: readonly TakenWrite[]): string | undefined {
  const stored = writes.filter(({ events }) => !isList(events) || events.length > 0);
  return stored.length > 1 ? uuidV7(Date.now()) : undefined;
}

function requestOf(
  { streamId, events, expectedVersion }: TakenWrite,
  storage: LimitedStorage,
  encoding: EncodeOptions,
): UnitRequest {
  const request = appendRequest(streamId, events, expectedVersion, storage, encoding);
  return request.events.length === 0 ? { ...request, checkOnly: true } : request;
}

function checkUnit(writes: readonly TakenWrite[]): void {
  const streamIds = new Set<string>();
  let eventCount = 0;
  for (const { streamId, events } of writes) {
    if (streamIds.has(streamId)) {
      const reason = `stream ${describeValue(streamId)} is named twice; give its events in one write`;
      throw invalidArgument("writes", reason);
    }
    streamIds.add(streamId);
    eventCount += isList(events) ? events.length : 1;
  }
  if (eventCount <= MAX_UNIT_EVENTS) return;
  throw invalidArgument("writes", `${eventCount} events are more than ${MAX_UNIT_EVENTS}; split them`);
}

/**
 * Stores a unit. Its conditions are looked at before the transaction, as far as the store goes, so that little is left to
 * be looked at while writers wait.
 */
export async function writeUnit(
  storage: AtomicStorage | TransactionalStorage,
  unit: AppendUnit,
  joining: readonly Participant[] | undefined,
): Promise<readonly AppendResult[]> {
  if (unit.requests.length === 0 && unit.conditions.length === 0) return [];
  const conditions: ParsedCondition[] = [];
  for (const condition of unit.conditions) conditions.push(await lookedAt(storage, condition, unit.signal));
  const left = { ...unit, conditions };
  const options = { signal: unit.signal, attempt: attemptOf(unit.requests) };
  if (joining === undefined) {
    if (isAtomic(storage)) return storage.appendAll(left);
    return storage.transact((session) => appendInSession(session, left, storage.location), options);
  }
  const work = async (session: StorageSession): Promise<readonly AppendResult[]> => {
    const results = await appendInSession(session, left, storage.location);
    if (results.some(({ written }) => written > 0)) await joinAll(joining, session, storage.location);
    return results;
  };
  return (storage as TransactionalStorage).transact(work, options);
}

/** What is left of a condition: of one that an event matches, that event. A retry does not ask, so it is not refused here. */
async function lookedAt(
  storage: StorageHandle,
  condition: ParsedCondition,
  signal: AbortSignal | undefined,
): Promise<ParsedCondition> {
  const { match, upTo } = await lookForMatch((query) => {
    signal?.throwIfAborted();
    return storage.readPage(query);
  }, condition);
  return { ...condition, after: match === null ? upTo : match.position - 1 };
}

/**
 * Stores a unit in a session, for storage that has no `appendAll` of its own. What storing it did says whether it may be
 * stored; where it may not, the transaction rejects, and nothing of it is left.
 */
async function appendInSession(
  session: StorageSession,
  { requests, conditions }: AppendUnit,
  location: string | undefined,
): Promise<readonly AppendResult[]> {
  const versions: number[] = [];
  const results: AppendResult[] = [];
  for (const request of requests) {
    // Nobody compares it with "any".
    versions.push(request.expectedVersion === "any" ? 0 : await versionOf(session, request.streamId));
    results.push(await session.append({ ...request, expectedVersion: "any" }));
  }
  const isEmpty = requests.every(({ events }) => events.length === 0);
  if (!isEmpty && results.every(({ written }) => written === 0)) return results;
  for (const [index, request] of requests.entries()) {
    const { written } = results[index] as AppendResult;
    const storedCount = countDifferent(request) - written;
    checkVersionInUnit(request, versions[index] as number, written, storedCount, location);
  }
  for (const condition of conditions) {
    const { match } = await lookForMatch((query) => session.readPage(query), condition, session.head);
    if (match !== null) throw conditionFailed(attemptOf(requests), match, location);
  }
  return results;
}

/** The version of a stream as a transaction sees it; for `@all` the last position. */
export async function versionOf(session: StorageSession, streamId: string): Promise<number> {
  const { head } = await session.readPage({ streamId, after: 0, upTo: 0, limit: 1, direction: "forward" });
  return head;
}

/** Names a unit in a message. */
export function attemptOf(requests: readonly AppendRequest[]): string {
  const [first] = requests;
  const others = requests.length - 1;
  if (first === undefined) return "write";
  const rest = others === 1 ? " and 1 other" : ` and ${others} others`;
  return `write to stream "${first.streamId}"${others === 0 ? "" : rest}`;
}
