import { EventsNeededError, type PruneOptions, type RemovalReport, type StreamRow } from "../../protocols/index.js";
import {
  checkFlag,
  checkFunction,
  checkName,
  checkOptions,
  checkSignal,
  idText,
  invalidArgument,
  type OptionNames,
  streamText,
} from "../validate/check-arguments.js";
import { inAttempt, inStore } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { type AdministrationContext, inStep } from "./administration-context.js";
import { checkOneStream } from "./check-administration.js";
import { EventNeeds, positionOf, updatePositions } from "./event-needs.js";
import { findStream } from "./list-streams.js";
import { removeInSteps } from "./removal-steps.js";

const OPTIONS: OptionNames<PruneOptions> = {
  before: true,
  behindSnapshot: true,
  archive: true,
  forgetKeys: true,
  force: true,
  signal: true,
};

/** Removes the first events of a stream, and the snapshots that lead to no state without them. */
export async function pruneStream(
  context: AdministrationContext,
  streamId: string,
  options: PruneOptions,
): Promise<RemovalReport> {
  const { storage, lifetime, calls } = context;
  const attempt = `prune ${streamText(streamId)}`;
  lifetime.assertOpen(attempt);
  calls.assertOutside("pruneStream", idText(streamId));
  const plan = inAttempt(attempt, storage.location, () => {
    checkOneStream(streamId);
    return parse(options);
  });
  plan.signal?.throwIfAborted();
  const pruning = async (): Promise<RemovalReport> => {
    const stream = await findStream(context, streamId);
    inAttempt(attempt, storage.location, () => checkBefore(plan.before, stream?.version ?? 0));
    return prune(context, stream as StreamRow, plan, attempt);
  };
  return calls.note(pruning, "pruneStream", streamId);
}

async function prune(
  context: AdministrationContext,
  { streamId, version, firstVersion }: StreamRow,
  { before, behindSnapshot, archive, forgetKeys, force, signal }: PruneOptions,
  attempt: string,
): Promise<RemovalReport> {
  const { storage } = context;
  const isNothing = before <= firstVersion;
  if (!isNothing && !force && behindSnapshot !== undefined) {
    const snapshot = await storage.loadSnapshot({ streamId, projection: behindSnapshot });
    const reach = snapshot?.version ?? 0;
    if (reach < before - 1) throw snapshotMissing(attempt, { before, behindSnapshot, reach }, storage.location);
  }
  const upTo = isNothing || force ? undefined : await positionOf(context, streamId, before - 1);
  if (upTo !== undefined) await updatePositions(context, attempt);
  const needs = new EventNeeds(context, { streamId, attempt, signal });
  const needed = upTo === undefined ? undefined : { needs, upTo };
  const keepKeys = forgetKeys !== true;
  const dropsParked = force === true;
  const removal = { streamId, before, keepKeys, archive, signal, attempt, needed, dropsParked };
  const removed = await removeInSteps(context, removal, firstVersion);
  const removedSnapshots = await inStep(context, attempt, () =>
    storage.deleteSnapshots({ streamId, below: removed.firstVersion - 1 }),
  );
  return { streamId, version, ...removed, removedSnapshots };
}

/** Says that no snapshot makes up for the events that would go. */
function snapshotMissing(
  attempt: string,
  snapshot: { readonly before: number; readonly behindSnapshot: string; readonly reach: number },
  location: string | undefined,
): EventsNeededError {
  const { before, behindSnapshot, reach } = snapshot;
  const name = JSON.stringify(behindSnapshot);
  const found = reach === 0 ? `it has no snapshot ${name}` : `its newest snapshot ${name} is one of version ${reach}`;
  const smaller = reach === 0 ? "" : `, prune it before ${reach + 1} at most`;
  const message =
    `Cannot ${attempt}${inStore(location)} before version ${before}: ${found}. Nothing was removed. Save a snapshot ${name} ` +
    `of version ${before - 1} or later${smaller}, or remove the events with force: true.`;
  return new EventsNeededError([`snapshot ${behindSnapshot}`], message);
}

function parse(options: PruneOptions): PruneOptions {
  checkOptions(options, OPTIONS);
  const { before, behindSnapshot, archive, forgetKeys, force, signal } = options;
  if (behindSnapshot !== undefined) checkName("behindSnapshot", behindSnapshot);
  checkFunction("archive", archive);
  checkFlag("forgetKeys", forgetKeys);
  checkFlag("force", force);
  checkSignal(signal);
  return { before, behindSnapshot, archive, forgetKeys, force, signal };
}

function checkBefore(before: unknown, version: number): void {
  if (typeof before === "number" && Number.isInteger(before) && before >= 1 && before <= version) return;
  const expected = version === 0 ? "the stream has no events" : `expected a version of the stream, 1 to ${version}`;
  throw invalidArgument("before", `${expected}, got ${describeValue(before)}`);
}
