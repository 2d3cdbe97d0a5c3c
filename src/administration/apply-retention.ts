import type {
  AdministrableStreamFactory,
  RemovalReport,
  RetentionOptions,
  RetentionRule,
  StreamInfo,
} from "../../protocols/index.js";
import { isStreamError } from "../../protocols/index.js";
import { storeTime } from "../stream/store-time.js";
import { readRecords } from "../transaction/committed-records.js";
import { type StoreAccess, storeAccessOf } from "../transaction/store-access.js";
import {
  checkFlag,
  checkFunction,
  checkOptions,
  checkSignal,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { inAttempt, inCall } from "../validate/in-call.js";
import { isAdministrable } from "./administrable-factory.js";
import type { AdministrationContext } from "./administration-context.js";
import { firstParkedPositions, readerPositions, sureReaders, updatePositions } from "./event-needs.js";
import { seenLeasesOf } from "./former-builds.js";
import { RetentionLease } from "./retention-lease.js";
import { checkRules } from "./retention-rules.js";
import { type Retained, retentionOf } from "./retention-step.js";

const OPTIONS: OptionNames<RetentionOptions> = { dryRun: true, archive: true, signal: true };
const ATTEMPT = "apply retention";
const CALL = "applyRetention";
const TIMEOUT_MS = 10_000;

/**
 * Removes what rules let go, and yields a report for each stream that loses something, or with `dryRun` would. The first
 * rule whose prefix fits a stream counts for it. Nothing is removed by itself: run it when you like.
 *
 * It removes only what no registered consumer or projection has yet to read, and only what comes before the first event of a
 * stream that a consumer has parked. While another process applies retention to the store, it yields nothing.
 *
 * @param streams - what an adapter's factory function returned
 * @throws InvalidArgumentError when a rule or an option is invalid.
 * @throws whatever `archive` throws.
 * @throws the signal's reason when it is aborted.
 *
 * @example
 * ```ts
 * const rules = [{ prefix: "session-", deleteAfterMs: 30 * 24 * 3_600_000 }, { prefix: "metric-", maxEvents: 10_000 }];
 * for await (const { streamId, removedEvents } of applyRetention(streams, rules)) console.log(streamId, removedEvents);
 * ```
 */
export function applyRetention(
  streams: AdministrableStreamFactory,
  rules: readonly RetentionRule[],
  options: RetentionOptions = {},
): AsyncIterable<RemovalReport> {
  return { [Symbol.asyncIterator]: () => apply(streams, rules, options) };
}

async function* apply(
  streams: AdministrableStreamFactory,
  rules: readonly RetentionRule[],
  options: RetentionOptions,
): AsyncGenerator<RemovalReport, void> {
  const access = storeAccessOf(streams, ATTEMPT);
  const context = contextOf(access);
  const {
    dryRun = false,
    archive,
    signal,
  } = inAttempt(ATTEMPT, context.storage.location, () => {
    checkOptions(options, OPTIONS);
    checkFlag("dryRun", options.dryRun);
    checkFunction("archive", options.archive);
    checkSignal(options.signal);
    checkRules(rules);
    return options;
  });
  context.lifetime.assertOpen(ATTEMPT);
  context.calls.assertOutside(CALL);
  const take = () => (dryRun ? notTaken(access) : RetentionLease.take(context));
  const lease = await context.calls.note(take, CALL);
  if (lease === null) return;
  try {
    const nowMs = await storeTime(context);
    for (const [index, rule] of rules.entries()) {
      const earlier = rules.slice(0, index);
      const unneededUpTo = await needsOf(access, context, signal);
      for await (const stream of streams.listStreams({ prefix: rule.prefix, signal })) {
        if (stream.version === 0 || earlier.some(({ prefix }) => stream.streamId.startsWith(prefix))) continue;
        const retained = await retentionOf({ ...context, nowMs }, stream, rule, unneededUpTo(stream.streamId));
        if (retained === null) continue;
        if (!((await lease?.renew()) ?? true)) return;
        const report = dryRun
          ? await reportOf(context, stream, retained)
          : await remove(streams, stream, retained, { archive, signal });
        if (report !== null) yield report;
      }
    }
  } finally {
    await lease?.release();
  }
}

/** A dry run removes nothing, and needs no lease; null while another process has it. */
async function notTaken(access: StoreAccess): Promise<undefined | null> {
  const isTaken = await readRecords(access, CALL, TIMEOUT_MS, (records) => RetentionLease.isTaken(records));
  return isTaken ? null : undefined;
}

function contextOf({ context, storage }: StoreAccess): AdministrationContext {
  if (isAdministrable(storage)) return { ...context, storage };
  const refusal = invalidArgument("streams", "expected a store with administration, and it has none");
  throw inCall(refusal, ATTEMPT, storage.location);
}

/** For each stream, the position up to which nobody needs its events. */
async function needsOf(
  access: StoreAccess,
  context: AdministrationContext,
  signal: AbortSignal | undefined,
): Promise<(streamId: string) => number> {
  await updatePositions(context, ATTEMPT);
  const read = () =>
    readRecords(access, CALL, TIMEOUT_MS, (records) => readerPositions(records, seenLeasesOf(context.storage)));
  const readers = await sureReaders(context, read, { upTo: Number.POSITIVE_INFINITY, signal });
  const parked = await readRecords(access, CALL, TIMEOUT_MS, firstParkedPositions);
  const readUpTo = Math.min(...readers.map(({ position }) => position));
  return (streamId) => Math.min(readUpTo, (parked.get(streamId) ?? Number.POSITIVE_INFINITY) - 1);
}

/** What `remove` would report. */
async function reportOf(
  { storage }: AdministrationContext,
  { streamId, version, firstVersion, eventCount }: StreamInfo,
  retained: Retained,
): Promise<RemovalReport> {
  const below = retained.isDeleted ? undefined : retained.before - 1;
  const removedSnapshots = (await storage.countSnapshots?.({ streamId, below })) ?? 0;
  if (retained.isDeleted) {
    const end = version + 1;
    return { streamId, version: end, firstVersion: end, removedEvents: eventCount, removedSnapshots };
  }
  const { before } = retained;
  return { streamId, version, firstVersion: before, removedEvents: before - firstVersion, removedSnapshots };
}

/**
 * Null where somebody needs the events after all, or the stream has changed: the next call sees to it. And where others have
 * removed the same events meanwhile, which are theirs to report.
 */
async function remove(
  streams: AdministrableStreamFactory,
  { streamId, version }: StreamInfo,
  retained: Retained,
  options: Pick<RetentionOptions, "archive" | "signal">,
): Promise<RemovalReport | null> {
  try {
    const report = retained.isDeleted
      ? await streams.deleteStream(streamId, { ...options, expectedVersion: version })
      : await streams.pruneStream(streamId, { ...options, before: retained.before });
    return report.removedEvents + report.removedSnapshots === 0 ? null : report;
  } catch (error) {
    if (isStreamError(error, "EVENTS_NEEDED") || isStreamError(error, "CONCURRENCY_CONFLICT")) return null;
    throw error;
  }
}
