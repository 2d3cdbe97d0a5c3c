import {
  ConcurrencyError,
  DELETED_EVENT_TYPE,
  type DeleteOptions,
  isStreamError,
  type NewEvent,
  type RemovalReport,
  type StorageSession,
} from "../../protocols/index.js";
import { dropPlacesBefore } from "../consumers/drop-places.js";
import { MAX_LISTED_RECORDS, MAX_REASON_BYTES } from "../limits.js";
import { isTombstone, lastEvent } from "../read/last-event.js";
import { joinAll, participantsFor } from "../stream/participant.js";
import {
  checkFlag,
  checkFunction,
  checkOptions,
  checkPlace,
  checkSignal,
  idText,
  type OptionNames,
  streamText,
} from "../validate/check-arguments.js";
import { inAttempt, inStore } from "../validate/in-call.js";
import { uuidV7 } from "../write/uuid-v7.js";
import { type AdministrationContext, inStep, transactInStep } from "./administration-context.js";
import { checkOneStream, jsonObjectText } from "./check-administration.js";
import { dropRemovedPlaces } from "./drop-removed-places.js";
import { EventNeeds, updatePositions } from "./event-needs.js";
import { removeInSteps } from "./removal-steps.js";
import { DELETIONS_SPACE, STREAM_METADATA_SPACE } from "./reserved-spaces.js";

const OPTIONS: OptionNames<DeleteOptions> = {
  expectedVersion: true,
  reason: true,
  archive: true,
  force: true,
  signal: true,
};

interface DeletePlan extends Pick<DeleteOptions, "archive" | "signal"> {
  readonly expectedVersion: number | "any";
  readonly force: boolean;
  /** The data of the tombstone. */
  readonly data: string;
}

/** Ends a stream: first the tombstone, then everything else goes. */
export async function deleteStream(
  context: AdministrationContext,
  streamId: string,
  options: DeleteOptions = {},
): Promise<RemovalReport> {
  const { storage, lifetime, calls } = context;
  const attempt = `delete ${streamText(streamId)}`;
  lifetime.assertOpen(attempt);
  calls.assertOutside("deleteStream", idText(streamId));
  const plan = inAttempt(attempt, storage.location, () => {
    checkOneStream(streamId);
    return parse(options);
  });
  const { signal } = plan;
  signal?.throwIfAborted();
  const deleting = async (): Promise<RemovalReport> => {
    if (!plan.force) await updatePositions(context, attempt);
    const needs = new EventNeeds(context, { streamId, attempt, signal });
    const version = await needs.settled(() => {
      context.grouped.close();
      const endStream = (session: StorageSession) => endWithParticipants(context, session, streamId, plan, needs);
      return transactInStep(context, attempt, endStream, signal).catch((error: unknown) => {
        throw versionConflict(error, attempt, storage.location);
      });
    });
    return removeAll(context, streamId, version, plan, attempt);
  };
  return calls.note(deleting, "deleteStream", streamId);
}

/** Writes the tombstone, together with those who take part in it. */
async function endWithParticipants(
  { storage, participants }: AdministrationContext,
  session: StorageSession,
  streamId: string,
  plan: DeletePlan,
  needs: EventNeeds,
): Promise<number> {
  const version = await end(session, streamId, plan, needs);
  if (participants.size > 0) {
    const joining = participantsFor(participants, new Set([DELETED_EVENT_TYPE]));
    await joinAll(joining, session, storage.location);
  }
  return version;
}

/** Writes the tombstone, unless it is there. @returns its version */
async function end(session: StorageSession, streamId: string, plan: DeletePlan, needs: EventNeeds): Promise<number> {
  const { expectedVersion, force, archive } = plan;
  const last = await lastEvent(session, streamId);
  if (last !== undefined && isTombstone(last)) return last.version;
  const { version } = await session.append({ streamId, events: [tombstone(plan.data)], expectedVersion });
  if (last !== undefined && !force) await needs.assertRead(session.records, last.position);
  // With the tombstone, which would be parked behind them.
  if (force) await dropPlacesBefore(session.records, streamId, Number.POSITIVE_INFINITY);
  await session.records.delete(STREAM_METADATA_SPACE, streamId);
  await session.records.put(DELETIONS_SPACE, streamId, { archive: archive !== undefined });
  return version;
}

/** Says of a conflict that it was the deletion's: what the tombstone was refused for is a write. */
function versionConflict(error: unknown, attempt: string, location: string | undefined): unknown {
  // It may be a signal's reason, which may be anything.
  if (!isStreamError(error, "CONCURRENCY_CONFLICT")) return error;
  const { streamId, expectedVersion, actualVersion } = error;
  const message =
    `Cannot ${attempt}${inStore(location)}: expected version ${expectedVersion}, found version ${actualVersion}. ` +
    "Nothing was removed; read what is new and decide again.";
  return new ConcurrencyError({ streamId, expectedVersion, actualVersion }, message);
}

function tombstone(data: string): NewEvent {
  return { id: uuidV7(Date.now()), idempotencyKey: null, type: DELETED_EVENT_TYPE, data, metadata: null };
}

/** Removes everything of a stream but its tombstone. */
async function removeAll(
  context: AdministrationContext,
  streamId: string,
  version: number,
  { archive, signal }: Pick<DeletePlan, "archive" | "signal">,
  attempt: string,
): Promise<RemovalReport> {
  const { storage } = context;
  const removal = { streamId, before: version, keepKeys: false, archive, signal, attempt, dropsParked: false };
  const { first = 1 } = await storage.readPage({ streamId, after: version - 1, limit: 1, direction: "forward" });
  const removed = await removeInSteps(context, removal, first);
  return inStep(context, attempt, async () => {
    const removedSnapshots = await storage.deleteSnapshots({ streamId });
    await storage.transact(
      async (session) => {
        // A consumer may have parked some since the tombstone was written.
        await dropRemovedPlaces(session, streamId, version);
        await session.records.delete(DELETIONS_SPACE, streamId);
      },
      { attempt },
    );
    return { streamId, version, ...removed, removedSnapshots };
  });
}

/**
 * Finishes deletions that were interrupted. Those whose events were to be archived wait for the next call of
 * `deleteStream`. What fails is tried again with the next opening.
 */
export async function finishDeletions(context: AdministrationContext): Promise<void> {
  try {
    for (let after = ""; ; ) {
      const query = { after, limit: MAX_LISTED_RECORDS };
      const list = ({ records }: StorageSession) => records.list(DELETIONS_SPACE, query);
      const found = await transactInStep(context, "finish deletions", list);
      for (const { key, value } of found) if (value.archive !== true) await finishDeletion(context, key);
      const last = found.at(-1);
      if (last === undefined || found.length < MAX_LISTED_RECORDS) return;
      after = last.key;
    }
  } catch {
    // Nobody waits for it, and the stream is deleted all the same.
  }
}

async function finishDeletion(context: AdministrationContext, streamId: string): Promise<void> {
  const version = await context.storage.getVersion(streamId);
  const plan = { archive: undefined, signal: undefined };
  await removeAll(context, streamId, version, plan, `finish the deletion of stream "${streamId}"`);
}

function parse(options: DeleteOptions): DeletePlan {
  checkOptions(options, OPTIONS);
  const { expectedVersion = "any", reason, archive, force = false, signal } = options;
  if (expectedVersion !== "any") checkPlace("expectedVersion", expectedVersion);
  checkFunction("archive", archive);
  checkFlag("force", force);
  checkSignal(signal);
  const data = reason === undefined ? "null" : jsonObjectText("reason", reason, MAX_REASON_BYTES);
  return { expectedVersion, force, archive, signal, data };
}
