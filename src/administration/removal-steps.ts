import { setImmediate as nextTurn } from "node:timers/promises";
import type { PruneOptions, RemoveRequest, StorageSession } from "../../protocols/index.js";
import { consumersOf } from "../consumers/running-consumers.js";
import { REMOVAL_STEP_EVENTS, REMOVAL_TRANSACTION_EVENTS } from "../limits.js";
import { type AdministrationContext, inStep, transactInStep } from "./administration-context.js";
import { dropRemovedPlaces } from "./drop-removed-places.js";
import type { EventNeeds } from "./event-needs.js";

/** What is removed of a stream, step by step. */
export interface Removal {
  readonly streamId: string;
  /** The first version that stays. */
  readonly before: number;
  readonly keepKeys: boolean;
  readonly archive: PruneOptions["archive"];
  readonly signal: AbortSignal | undefined;
  /** What is attempted, for messages. */
  readonly attempt: string;
  /** Who needs events up to a position, which must stay then. Absent: none must. */
  readonly needed?: { readonly needs: EventNeeds; readonly upTo: number } | undefined;
  /** Whether each transaction is followed by one that drops what consumers have parked of the removed events. */
  readonly dropsParked: boolean;
}

/** What a removal has done. */
export interface RemovedSoFar {
  readonly removedEvents: number;
  readonly firstVersion: number;
}

/**
 * Removes the first events of a stream, the oldest first. Each transaction is short, and leaves a stream that is whole from
 * its first version on.
 */
export async function removeInSteps(
  context: AdministrationContext,
  removal: Removal,
  firstVersion: number,
): Promise<RemovedSoFar> {
  let done: RemovedSoFar = { removedEvents: 0, firstVersion };
  for (;;) {
    removal.signal?.throwIfAborted();
    const end = await archived(context, removal, done.firstVersion);
    const before = done.firstVersion;
    done = await removeUpTo(context, removal, end, done);
    if (done.firstVersion >= removal.before || done.firstVersion <= before) return done;
  }
}

/** Has the events of the next step archived. @returns the version before which they are */
async function archived(
  context: AdministrationContext,
  { streamId, before, archive, attempt, needed }: Removal,
  firstVersion: number,
): Promise<number> {
  const { storage, lifetime } = context;
  lifetime.assertOpen(attempt);
  const end = Math.min(before, firstVersion + REMOVAL_STEP_EVENTS);
  if (archive === undefined || firstVersion >= before) return end;
  // What must stay is not archived. Whether it may go is decided as it is removed.
  if (needed !== undefined) {
    const ask = (session: StorageSession) => needed.needs.assertRead(session.records, needed.upTo);
    await needed.needs.settled(() => transactInStep(context, attempt, ask));
  }
  const query = { streamId, after: firstVersion - 1, upTo: end - 1, limit: REMOVAL_STEP_EVENTS } as const;
  const { events } = await storage.readPage({ ...query, direction: "forward" });
  const last = events.at(-1);
  // Somebody else has removed them.
  if (last === undefined) return end;
  await archive(events);
  return last.version + 1;
}

/** Removes the events of a step by transactions. */
async function removeUpTo(
  context: AdministrationContext,
  { streamId, keepKeys, signal, attempt, needed, dropsParked }: Removal,
  end: number,
  before: RemovedSoFar,
): Promise<RemovedSoFar> {
  let { removedEvents, firstVersion } = before;
  const assertUnneeded: RemoveRequest["assertUnneeded"] =
    needed === undefined ? undefined : (records) => needed.needs.assertRead(records, needed.upTo);
  for (;;) {
    // It may have been ended while the events were archived: they are there again with the next call.
    signal?.throwIfAborted();
    const request = { streamId, before: end, limit: REMOVAL_TRANSACTION_EVENTS, keepKeys, assertUnneeded };
    const remove = () => inStep(context, attempt, () => context.storage.removeBefore(request));
    const step = await (needed === undefined ? remove() : needed.needs.settled(remove));
    // Afterwards, so that a step that fails leaves them parked. What a kill leaves is dropped when the call is made again.
    if (dropsParked) {
      const drop = (session: StorageSession) => dropRemovedPlaces(session, streamId, step.firstVersion);
      const consumers = await transactInStep(context, attempt, drop);
      for (const name of consumers) for (const consumer of consumersOf(context, name)) consumer.renew();
    }
    const isDone = step.firstVersion >= end || step.firstVersion <= firstVersion;
    removedEvents += step.removed;
    firstVersion = step.firstVersion;
    if (isDone) return { removedEvents, firstVersion };
    // Writes that wait go first.
    await nextTurn();
  }
}
