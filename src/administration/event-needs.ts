import { EventsNeededError, type JsonObject, type Records } from "../../protocols/index.js";
import type { Sightings } from "../leases/sightings.js";
import { passOverUnwanted } from "../stream/participant.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { recordsOf } from "../transaction/records-of.js";
import { inStore } from "../validate/in-call.js";
import { type AdministrationContext, transactInStep } from "./administration-context.js";
import { goneInMs, isFormerBuild, seenLeasesOf, waitToBeSure } from "./former-builds.js";
import {
  CONSUMERS_SPACE,
  LIVE_PROJECTIONS_SPACE,
  PARKED_SPACE,
  PROJECTIONS_ELSEWHERE_SPACE,
  PROJECTIONS_SPACE,
} from "./reserved-spaces.js";

/** Where the records of those who read the whole store are, and what they are called. */
const READERS = [
  [CONSUMERS_SPACE, "consumer"],
  [PROJECTIONS_SPACE, "projection"],
  [PROJECTIONS_ELSEWHERE_SPACE, "projection"],
] as const;

/** A consumer or a projection, and the position up to which it has read the store. */
export interface ReaderPosition {
  /** Such as `consumer mail`. */
  readonly name: string;
  readonly position: number;
  /** After how many milliseconds it is sure, unless there is a sign of life, that nobody runs it any more. Infinity: never. */
  readonly goneInMs: number;
}

/**
 * The registered readers whose record has a position. Those are left out of which another build was shown in their place, and
 * of which it is sure that nobody runs them any more.
 *
 * @param seen - what this process has seen of the leases of former builds
 */
export async function readerPositions(
  records: Pick<Records, "list">,
  seen: Sightings,
): Promise<readonly ReaderPosition[]> {
  const readers: ReaderPosition[] = [];
  const live = new Map<string, JsonObject>();
  for await (const { key, value } of recordsOf(records, LIVE_PROJECTIONS_SPACE)) live.set(key, value);
  for (const [space, kind] of READERS) {
    for await (const { key, value } of recordsOf(records, space)) {
      if (typeof value.position !== "number") continue;
      // What is shown here says nothing of read models that are kept elsewhere.
      const isFormer = space === PROJECTIONS_SPACE && isFormerBuild(key, live);
      const goneMs = isFormer ? goneInMs({ key, value }, seen) : Number.POSITIVE_INFINITY;
      if (goneMs === 0) continue;
      readers.push({ name: `${kind} ${withoutNumber(key)}`, position: value.position, goneInMs: goneMs });
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
  await transactInStep(context, attempt, (session) => passOverUnwanted(participants, session, storage.location));
}

/** The events of a stream that consumers have set aside: they are read when they are tried again. */
async function parkedPositions(records: Pick<Records, "list">, streamId: string): Promise<readonly ReaderPosition[]> {
  const parked: ReaderPosition[] = [];
  for await (const { key, value } of recordsOf(records, PARKED_SPACE)) {
    if (value.streamId !== streamId) continue;
    const name = `consumer ${withoutNumber(key)}`;
    parked.push({ name, position: Number(value.position), goneInMs: Number.POSITIVE_INFINITY });
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
 * Reads who is registered, once more where that makes sure that nobody runs a former build which is behind a position: that takes
 * as long as its lease lasts.
 *
 * @param read - reads them in a transaction of its own
 * @throws the signal's reason
 */
export async function sureReaders(
  context: Pick<StreamContext, "lifetime">,
  read: () => Promise<readonly ReaderPosition[]>,
  { upTo, signal }: { readonly upTo: number; readonly signal: AbortSignal | undefined },
): Promise<readonly ReaderPosition[]> {
  const readers = await read();
  const behind = readers.filter(({ position, goneInMs }) => position < upTo && Number.isFinite(goneInMs));
  if (behind.length === 0) return readers;
  await waitToBeSure(context, Math.max(...behind.map(({ goneInMs }) => goneInMs)), signal);
  return read();
}

/** Asks for one removal, in its transactions, whether somebody needs the events. */
export class EventNeeds {
  readonly #context: AdministrationContext;
  readonly #streamId: string;
  readonly #attempt: string;
  readonly #signal: AbortSignal | undefined;
  /** After how many milliseconds it is sure that none of those who were found to need them runs any more. */
  #goneInMs = Number.POSITIVE_INFINITY;

  constructor(
    context: AdministrationContext,
    removal: { readonly streamId: string; readonly attempt: string; readonly signal: AbortSignal | undefined },
  ) {
    this.#context = context;
    this.#streamId = removal.streamId;
    this.#attempt = removal.attempt;
    this.#signal = removal.signal;
  }

  /**
   * Checks that every registered reader has read up to a position, and has set aside none of the stream's events up to there.
   *
   * @throws EventsNeededError
   */
  async assertRead(records: Pick<Records, "list">, upTo: number): Promise<void> {
    const { storage } = this.#context;
    const readers = await readerPositions(records, seenLeasesOf(storage));
    const behind = readers.filter(({ position }) => position < upTo);
    const parked = (await parkedPositions(records, this.#streamId)).filter(({ position }) => position <= upTo);
    const neededBy = [...behind, ...parked];
    if (neededBy.length === 0) return;
    this.#goneInMs = Math.max(...neededBy.map(({ goneInMs }) => goneInMs));
    const described = [...namesOf(behind), ...namesOf(parked).map((name) => `${name} (parked)`)];
    throw new EventsNeededError(namesOf(neededBy), needed(this.#attempt, described, storage.location));
  }

  /**
   * Makes a step that asks. Where only former builds need the events whose processes may be dead, it makes it once more as soon
   * as that is sure, which takes as long as their leases last.
   */
  async settled<T>(step: () => Promise<T>): Promise<T> {
    this.#goneInMs = Number.POSITIVE_INFINITY;
    try {
      return await step();
    } catch (error) {
      if (!Number.isFinite(this.#goneInMs)) throw error;
    }
    await waitToBeSure(this.#context, this.#goneInMs, this.#signal);
    return step();
  }
}

function namesOf(readers: readonly ReaderPosition[]): string[] {
  return [...new Set(readers.map(({ name }) => name))];
}

/** Says that somebody has yet to read events. */
function needed(attempt: string, by: readonly string[], location: string | undefined): string {
  return (
    `Cannot ${attempt}${inStore(location)}: events that would be removed are needed by ${by.join(", ")}. Nothing more was ` +
    "removed. Wait until they have been read, drop what no longer runs, or remove them with force: true."
  );
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
