import { EventsNeededError, type JsonObject, type Records } from "../../protocols/index.js";
import { passOverUnwanted } from "../stream/participant.js";
import { recordsOf } from "../transaction/records-of.js";
import { inStore } from "../validate/in-call.js";
import { type AdministrationContext, inStep } from "./administration-context.js";
import { CONSUMERS_SPACE, LIVE_PROJECTIONS_SPACE, PARKED_SPACE, PROJECTIONS_SPACE } from "./reserved-spaces.js";

/** Where the records of those who read the whole store are, and what they are called. */
const READERS = [
  [CONSUMERS_SPACE, "consumer"],
  [PROJECTIONS_SPACE, "projection"],
] as const;

/** A consumer or a projection, and the position up to which it has read the store. */
export interface ReaderPosition {
  /** Such as `consumer mail`. */
  readonly name: string;
  readonly position: number;
}

/** The registered readers whose record has a position. */
export async function readerPositions(records: Pick<Records, "list">): Promise<readonly ReaderPosition[]> {
  const readers: ReaderPosition[] = [];
  const live = new Map<string, JsonObject>();
  for await (const { key, value } of recordsOf(records, LIVE_PROJECTIONS_SPACE)) live.set(key, value);
  for (const [space, kind] of READERS) {
    for await (const { key, value } of recordsOf(records, space)) {
      if (typeof value.position !== "number" || isFormerBuild(key, value, live)) continue;
      readers.push({ name: `${kind} ${withoutNumber(key)}`, position: value.position });
    }
  }
  return readers;
}

/**
 * Has the inline projections of this process write down how far they are. Events that they do not want leave their records as
 * they are, and must not be kept for them.
 */
export async function updatePositions(context: AdministrationContext, attempt: string): Promise<void> {
  const { storage, participants } = context;
  if (participants.size === 0) return;
  await inStep(context, attempt, () =>
    storage.transact((session) => passOverUnwanted(participants, session, storage.location), {}),
  );
}

/** Whether it is a version of a projection that another was shown in place of, and that nobody runs any more. */
function isFormerBuild(key: string, value: JsonObject, live: ReadonlyMap<string, JsonObject>): boolean {
  const [, name = "", version, generation = 0] = /^(\w+)@(\d+)(?:\.(\d+))?$/.exec(key) ?? [];
  const shown = live.get(name);
  if (shown === undefined || (value.owner !== null && Number(value.untilMs) > Date.now())) return false;
  const [shownVersion, shownGeneration] = [Number(shown.version), Number(shown.generation)];
  if (Number(version) !== shownVersion) return Number(version) < shownVersion;
  return Number(generation) < shownGeneration;
}

/** The events of a stream that consumers have set aside: they are read when they are tried again. */
async function parkedPositions(records: Pick<Records, "list">, streamId: string): Promise<readonly ReaderPosition[]> {
  const parked: ReaderPosition[] = [];
  for await (const { key, value } of recordsOf(records, PARKED_SPACE)) {
    if (value.streamId !== streamId) continue;
    parked.push({ name: `consumer ${withoutNumber(key)} (parked)`, position: Number(value.position) });
  }
  return parked;
}

/** The position of the first event that consumers have set aside, by stream. */
export async function firstParkedPositions(records: Pick<Records, "list">): Promise<ReadonlyMap<string, number>> {
  const first = new Map<string, number>();
  for await (const { value } of recordsOf(records, PARKED_SPACE)) {
    const [streamId, position] = [String(value.streamId), Number(value.position)];
    first.set(streamId, Math.min(position, first.get(streamId) ?? position));
  }
  return first;
}

/** The keys of partitions and of parked events are a name with a number. */
const withoutNumber = (key: string): string => key.replace(/\/\d+$/, "");

/**
 * Checks that every registered reader has read up to a position, and has set aside none of a stream's events up to there.
 *
 * @throws EventsNeededError
 */
export async function assertRead(
  records: Pick<Records, "list">,
  { streamId, upTo }: { readonly streamId: string; readonly upTo: number },
  attempt: string,
  location: string | undefined,
): Promise<void> {
  const behind = (await readerPositions(records)).filter(({ position }) => position < upTo);
  const parked = (await parkedPositions(records, streamId)).filter(({ position }) => position <= upTo);
  if (behind.length + parked.length > 0) throw eventsNeeded(attempt, namesOf([...behind, ...parked]), location);
}

function namesOf(readers: readonly ReaderPosition[]): string[] {
  return [...new Set(readers.map(({ name }) => name))];
}

/** Says that somebody has yet to read events. */
export function eventsNeeded(
  attempt: string,
  neededBy: readonly string[],
  location: string | undefined,
): EventsNeededError {
  const message =
    `Cannot ${attempt}${inStore(location)}: events that would be removed are needed by ${neededBy.join(", ")}. Nothing ` +
    "more was removed. Wait until they have been read, drop who does not run any more, or remove them with force: true.";
  return new EventsNeededError(neededBy, message);
}

/** The position of a stream's event; undefined where it is not there any more. */
export async function positionOf(
  { storage }: AdministrationContext,
  streamId: string,
  version: number,
): Promise<number | undefined> {
  const query = { streamId, after: version - 1, upTo: version, limit: 1, direction: "forward" } as const;
  return (await storage.readPage(query)).events[0]?.position;
}
