import {
  type CandidateEvent,
  type ConcurrencyError,
  isStreamError,
  type StoredEvent,
  type Stream,
  type StreamFactory,
  type WriteResult,
} from "../../protocols/index.js";
import { findStreamContext } from "../stream/context-access.js";
import { storedStream } from "../stream/stored-stream.js";
import { type SeenWrite, writeAndSee } from "../stream/write-and-see.js";
import { inCall } from "../validate/in-call.js";
import { untilAborted } from "../watch/abort-listeners.js";
import type { CommandPlan } from "./command-options.js";
import { isAwaited, listOf, writtenEvents } from "./decided-events.js";
import type { ParsedFold } from "./fold.js";
import { saveFoldSnapshot } from "./fold-snapshots.js";
import { type FoldedState, foldEvents, foldTail } from "./folded-state.js";
import { pause } from "./retry-pauses.js";
import type { StateCacheImpl } from "./state-cache.js";
import { type LoadedFrom, StateLoad } from "./state-load.js";
import { candidateOf, findStoredCommand, type StoredCommand } from "./stored-command.js";
import { areTurnsTaken, decidedWithin, type Turn, takeTurn } from "./stream-turns.js";

/** A command on one stream, checked. */
export interface StreamCommand<S> {
  readonly streams: StreamFactory;
  readonly fold: ParsedFold<S>;
  readonly streamId: string;
  readonly cache: StateCacheImpl | undefined;
  readonly plan: CommandPlan;
  readonly decide: (state: S) => unknown;
}

/** What became of it. */
export interface CommandOutcome<S> extends WriteResult {
  readonly state: S;
  readonly events: readonly CandidateEvent[];
}

/** Handles a command: loads, decides and writes, until no other writer comes in between. */
export async function runCommand<S>(command: StreamCommand<S>): Promise<CommandOutcome<S>> {
  const { streams, fold, streamId, cache, plan } = command;
  const load = new StateLoad({ streams, fold, streamId, cache, signal: plan.signal });
  plan.signal?.throwIfAborted();
  const stream = load.cachedStream ?? (await streams.openStream(streamId));
  const lookedUpTo = stream.version;
  const stored = plan.commandId === undefined ? null : await lookUp(command, stream, 0);
  if (stored !== null) return repeated(command, stored);
  const turn = areTurnsTaken(streams, streamId) ? await takeTurn(streams, streamId, plan.signal) : undefined;
  let tried = await attempt(command, load, { stream, lookedUpTo, turn });
  for (let attempts = 1; "conflict" in tried; attempts += 1) {
    if (attempts === plan.attempts) throw tried.conflict;
    await pause(attempts + 1, plan.signal);
    tried = await attempt(command, load, { ...tried, turn: await takeTurn(streams, streamId, plan.signal) });
  }
  return tried;
}

/** What an attempt begins with. */
interface AttemptStart<S> {
  readonly stream: Stream;
  /** The state that the attempt before has decided on. */
  readonly before?: FoldedState<S> | undefined;
  /** Up to which version it is known that the command is not stored. */
  readonly lookedUpTo: number;
  readonly turn: Turn | undefined;
}

/** Another writer came in between. */
interface Conflict<S> extends Pick<AttemptStart<S>, "stream" | "before" | "lookedUpTo"> {
  readonly conflict: ConcurrencyError;
}

/** Decides and writes once, within the turn. */
function attempt<S>(
  command: StreamCommand<S>,
  load: StateLoad<S>,
  start: AttemptStart<S>,
): Promise<CommandOutcome<S> | Conflict<S>> {
  const { turn } = start;
  const tried = loadAndWrite(command, load, start);
  return turn === undefined ? tried : tried.finally(() => turn.end());
}

async function loadAndWrite<S>(
  command: StreamCommand<S>,
  load: StateLoad<S>,
  { stream: given, before, lookedUpTo, turn }: AttemptStart<S>,
): Promise<CommandOutcome<S> | Conflict<S>> {
  const loaded = await load.run(given, before);
  const { stream, folded } = loaded;
  // The same command may have been stored since it was looked up, and be in the state: then there is nothing to decide.
  const stored = folded.version > lookedUpTo ? await lookUp(command, stream, lookedUpTo) : null;
  if (stored !== null) return repeated(command, stored);
  const decision = command.decide(folded.state);
  // What is decided at once takes no turn of the event loop.
  const decided = isAwaited(decision)
    ? await untilAborted(decidedWithin(turn, decision), command.plan.signal)
    : decision;
  command.plan.signal?.throwIfAborted();
  const events = decidedEvents(command, decided);
  if (events.length === 0) return unchanged(command, stream, folded);
  let seen: SeenWrite;
  try {
    const writing = writeAndSee(stream, events, { expectedVersion: folded.version, signal: command.plan.signal });
    command.cache?.of(command.streams).writing(writing);
    seen = await writing;
  } catch (error) {
    if (!isStreamError(error, "CONCURRENCY_CONFLICT")) throw error;
    return { conflict: error, stream, before: folded, lookedUpTo: folded.version };
  }
  return written(command, loaded, events, seen);
}

async function lookUp<S>(
  { streams, plan }: StreamCommand<S>,
  stream: Stream,
  after: number,
): Promise<StoredCommand | null> {
  const { commandId, signal } = plan;
  return commandId === undefined ? null : findStoredCommand({ streams, stream, commandId, after, signal });
}

/** The outcome of a write. */
function written<S>(
  command: StreamCommand<S>,
  from: LoadedFrom<S>,
  events: readonly CandidateEvent[],
  { result, stored }: SeenWrite,
): CommandOutcome<S> | Promise<CommandOutcome<S>> {
  if (stored === undefined || result.written === 0) return writtenUnseen(command, from, events, result);
  const after = foldEvents(command.fold, from.folded, stored);
  keepState(command, from, after, stored);
  // Each by its name, which takes a tenth of the time of a copy.
  return { version: result.version, position: result.position, written: result.written, state: after.state, events };
}

async function writtenUnseen<S>(
  command: StreamCommand<S>,
  from: LoadedFrom<S>,
  events: readonly CandidateEvent[],
  result: WriteResult,
): Promise<CommandOutcome<S>> {
  if (result.written === 0) return writtenBefore(command, from.stream, events, result);
  const { state, version } = from.folded;
  const after = await foldTail(from.stream, command.fold, { state, version }, { upTo: version + result.written });
  keepState(command, from, after, undefined);
  return { ...result, state: after.state, events };
}

/** The outcome of a write of what is stored already. Of a command whose first event was pruned no more is known than where it ended. */
async function writtenBefore<S>(
  command: StreamCommand<S>,
  stream: Stream,
  events: readonly CandidateEvent[],
  result: WriteResult,
): Promise<CommandOutcome<S>> {
  const stored = await lookUp(command, stream, 0);
  if (stored !== null) return repeated(command, stored);
  const known = command.plan.commandId === undefined ? events : [];
  return { ...result, state: await stateOfRetry(command, result.version), events: known };
}

/** Keeps the state after a write for the next command. */
function keepState<S>(
  { streams, fold, streamId, cache }: StreamCommand<S>,
  { stream, folded: before, cached }: LoadedFrom<S>,
  folded: FoldedState<S>,
  stored: readonly StoredEvent[] | undefined,
): void {
  cache?.of(streams).advance({ streamId, fold, cached }, before, folded, stored);
  const { every } = fold.snapshot ?? {};
  if (every !== undefined && Math.floor(before.version / every) < Math.floor(folded.version / every)) {
    saveFoldSnapshot(streams, stream, fold, folded);
  }
}

/** The outcome of a decision without events. */
async function unchanged<S>(
  { streams, streamId }: StreamCommand<S>,
  stream: Stream,
  { state, version, last }: FoldedState<S>,
): Promise<CommandOutcome<S>> {
  let place = last;
  // A snapshot does not say it, and a reader of some types does not get the last event.
  if (version > (last?.version ?? 0)) {
    const context = findStreamContext(streams);
    const stored = context === undefined ? stream : storedStream(context, streamId);
    for await (const event of stored.read({ upTo: version, direction: "backward", limit: 1 })) place = event;
  }
  return { version, position: place?.position ?? 0, written: 0, state, events: [] };
}

/** The outcome of a command that is stored already: what it was then. */
async function repeated<S>(command: StreamCommand<S>, stored: StoredCommand): Promise<CommandOutcome<S>> {
  const { events, version, position } = stored;
  return {
    version,
    position,
    written: 0,
    state: await stateOfRetry(command, version),
    events: events.map(candidateOf),
  };
}

/** The state as it was behind a stored command; where the first events were removed, as it is now. */
async function stateOfRetry<S>(command: StreamCommand<S>, atVersion: number): Promise<S> {
  const { signal } = command.plan;
  try {
    return (await new StateLoad({ ...command, signal, atVersion }).run()).folded.state;
  } catch (error) {
    if (!isStreamError(error, "EVENTS_REMOVED")) throw error;
    return (await new StateLoad({ ...command, signal }).run()).folded.state;
  }
}

/** @throws InvalidArgumentError which says of what command the decision is no decision */
function decidedEvents<S>({ streams, streamId, plan }: StreamCommand<S>, decided: unknown): readonly CandidateEvent[] {
  try {
    return writtenEvents(listOf(decided), plan);
  } catch (error) {
    const attempt = `handle a command on stream ${JSON.stringify(streamId)}`;
    throw inCall(error, attempt, findStreamContext(streams)?.storage.location);
  }
}
