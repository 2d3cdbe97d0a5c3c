import {
  ALL_STREAM,
  type CandidateEvent,
  type EventFilter,
  isStreamError,
  type ReadOptions,
  type StoredEvent,
  type StreamWrite,
  type TransactionalStreamFactory,
  type WriteResult,
} from "../../protocols/index.js";
import { findStreamContext } from "../stream/context-access.js";
import { storedStream } from "../stream/stored-stream.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { isList } from "../validate/is-list.js";
import { describeValue } from "../validate/json-text.js";
import { untilAborted } from "../watch/abort-listeners.js";
import { indexOfKey } from "./command-key.js";
import type { CommandPlan } from "./command-options.js";
import { canLookAt, isAwaited, listOf, writtenEvents } from "./decided-events.js";
import type { ParsedFold } from "./fold.js";
import { loadQueryState } from "./query-load.js";
import { pause } from "./retry-pauses.js";

/** What a command on a query is called in messages. */
export const QUERY_ATTEMPT = "handle a command on a query";

/** A command on what a query finds, checked. */
export interface QueryCommand<S> {
  readonly streams: TransactionalStreamFactory;
  readonly fold: ParsedFold<S>;
  readonly filters: readonly EventFilter[];
  readonly plan: CommandPlan;
  readonly decide: (state: S) => unknown;
}

/** What became of a command over a query. */
export interface HandledQuery<S> {
  /** The state that was decided on; of a command that was stored before, the one with its events in it. */
  readonly state: S;
  /** One for each write of the decision, in order; of a command that was stored before, for each stream of the found events. */
  readonly results: readonly WriteResult[];
}

/** Handles a command: folds the query, decides and writes, until no event that it finds comes in between. */
export async function runQueryCommand<S>(command: QueryCommand<S>): Promise<HandledQuery<S>> {
  const { streams, filters, plan, decide } = command;
  const context = findStreamContext(streams);
  const location = context?.storage.location;
  const isWrapped = plan.commandId !== undefined && context?.hooks !== undefined;
  let lookedUpTo = 0;
  for (let attempt = 1; ; attempt += 1) {
    const stored: StoredEvent[] = [];
    const onEvent = (event: StoredEvent): void => {
      if (plan.commandId !== undefined && indexOfKey(plan.commandId, event.id) >= 0) stored.push(event);
    };
    const { state, position } = await loadQueryState({ ...command, signal: plan.signal, onEvent });
    const unseen = { after: lookedUpTo, upTo: position };
    const ofCommand = isWrapped ? await findStoredEvents(command, context, unseen) : stored;
    if (ofCommand.length > 0) return { state, results: resultsOf(ofCommand) };
    lookedUpTo = position;
    const decision = decide(state);
    const decided = isAwaited(decision) ? await untilAborted(Promise.resolve(decision), plan.signal) : decision;
    plan.signal?.throwIfAborted();
    const writes = inAttempt(QUERY_ATTEMPT, location, () => writesOf(decided, plan));
    if (writes.length === 0) return { state, results: [] };
    try {
      const conditions = { failIfEventsMatch: filters, after: position };
      return { state, results: await streams.writeAll(writes, { conditions, signal: plan.signal }) };
    } catch (error) {
      if (!isConflict(error) || attempt === plan.attempts) throw error;
    }
    await pause(attempt + 1, plan.signal);
  }
}

/** The events of the command that the query finds in what is stored: a catalogue may leave out some of them, or all. */
async function findStoredEvents<S>(
  { filters, plan: { commandId = "", signal } }: QueryCommand<S>,
  context: StreamContext,
  extent: Pick<ReadOptions, "after" | "upTo">,
): Promise<readonly StoredEvent[]> {
  const all = storedStream(context, ALL_STREAM);
  const found = new Map<number, StoredEvent>();
  for (const clauses of filters) {
    const filter: EventFilter = [...clauses, { field: "id", op: "prefix", value: `${commandId}/` }];
    for await (const event of all.read({ ...extent, filter, signal })) {
      if (indexOfKey(commandId, event.id) >= 0) found.set(event.position, event);
    }
  }
  return [...found.values()].sort((a, b) => a.position - b.position);
}

function isConflict(error: unknown): boolean {
  return isStreamError(error, "CONDITION_FAILED") || isStreamError(error, "CONCURRENCY_CONFLICT");
}

/** What a stored command answers: for each of its streams the place of its last event there. */
function resultsOf(stored: readonly StoredEvent[]): readonly WriteResult[] {
  const results = new Map<string, WriteResult>();
  for (const { streamId, version, position } of stored) results.set(streamId, { version, position, written: 0 });
  return [...results.values()];
}

/** The writes of a decision, whose events are numbered through. */
function writesOf(decision: unknown, plan: CommandPlan): readonly StreamWrite[] {
  if (!isList(decision)) {
    const reason = `it has to return a list of writes, [] for none; got ${describeValue(decision)}`;
    throw invalidArgument("decide", reason);
  }
  let first = 0;
  return (decision as readonly StreamWrite[]).map((write, index) => {
    if (!canLookAt(write) || write.events === undefined) return write;
    const events: readonly CandidateEvent[] = writtenEvents(
      listOf(write.events, `events of write ${index} has to be`),
      plan,
      first,
    );
    first += events.length;
    return { ...write, events };
  });
}
