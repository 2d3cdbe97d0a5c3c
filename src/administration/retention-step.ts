import type { ReadQuery, RetentionRule, StoredEvent, StreamInfo } from "../../protocols/index.js";
import { MAX_PAGE_EVENTS } from "../limits.js";
import type { AdministrationContext } from "./administration-context.js";
import { positionOf } from "./event-needs.js";

/** The store, and the time of its clock when the rules began to be applied. */
export interface RetentionContext extends AdministrationContext {
  readonly nowMs: number;
}

/** What a rule lets go of a stream. */
export type Retained =
  | { readonly isDeleted: true }
  | {
      readonly isDeleted: false;
      /** The first version that stays. */
      readonly before: number;
    };

/**
 * What a rule lets go of a stream; null when nothing.
 *
 * @param unneededUpTo - the position up to which nobody needs the events of the stream
 */
export async function retentionOf(
  context: RetentionContext,
  stream: StreamInfo,
  rule: RetentionRule,
  unneededUpTo: number,
): Promise<Retained | null> {
  const { deleteAfterMs } = rule;
  if (deleteAfterMs !== undefined && stream.lastTimestamp !== null && stream.lastPosition <= unneededUpTo) {
    const ageMs = context.nowMs - stream.lastTimestamp.getTime();
    if (ageMs > deleteAfterMs) return { isDeleted: true };
  }
  const byRule = Math.min(await beforeByRule(context, stream, rule), stream.version);
  const covered = Math.min(byRule, await beforeBySnapshot(context, stream, rule));
  if (covered <= stream.firstVersion) return null;
  const before = await beforeByNeeds(context, stream, covered, unneededUpTo);
  return before <= stream.firstVersion ? null : { isDeleted: false, before };
}

/** The version before which the limits of a rule let everything go. */
async function beforeByRule(
  context: RetentionContext,
  stream: StreamInfo,
  { maxAgeMs, maxEvents, behindSnapshot, deleteAfterMs }: RetentionRule,
): Promise<number> {
  const limits: number[] = [];
  if (maxEvents !== undefined) limits.push(stream.version - maxEvents + 1);
  if (maxAgeMs !== undefined) limits.push(await firstYoung(context, stream, context.nowMs - maxAgeMs));
  // A rule that only names a snapshot lets everything behind it go.
  const isSnapshotAlone = limits.length === 0 && behindSnapshot !== undefined && deleteAfterMs === undefined;
  return isSnapshotAlone ? stream.version : Math.max(0, ...limits);
}

/** The first version that is not older than a time. Clocks jump: what comes behind it is not looked at. */
async function firstYoung(
  { storage }: AdministrationContext,
  { streamId, firstVersion, version }: StreamInfo,
  sinceMs: number,
): Promise<number> {
  const query: ReadQuery = { streamId, after: 0, upTo: version, limit: MAX_PAGE_EVENTS, direction: "forward" };
  for (let after = firstVersion - 1; after < version; ) {
    const { events } = await storage.readPage({ ...query, after });
    const young = events.find(({ timestamp }) => timestamp.getTime() >= sinceMs);
    if (young !== undefined) return young.version;
    const last: StoredEvent | undefined = events.at(-1);
    if (last === undefined) break;
    after = last.version;
  }
  return version;
}

async function beforeBySnapshot(
  { storage }: AdministrationContext,
  { streamId }: StreamInfo,
  { behindSnapshot }: RetentionRule,
): Promise<number> {
  if (behindSnapshot === undefined) return Number.POSITIVE_INFINITY;
  const snapshot = await storage.loadSnapshot({ streamId, projection: behindSnapshot });
  return snapshot === null ? 0 : snapshot.version + 1;
}

/** The highest version, up to one, before which nobody needs the events. Positions grow with versions. */
async function beforeByNeeds(
  context: AdministrationContext,
  { streamId, firstVersion }: StreamInfo,
  before: number,
  unneededUpTo: number,
): Promise<number> {
  const isUnneeded = async (version: number): Promise<boolean> =>
    ((await positionOf(context, streamId, version)) ?? 0) <= unneededUpTo;
  if (await isUnneeded(before - 1)) return before;
  // Nobody needs what is below `low`, and somebody needs `high`.
  let [low, high] = [firstVersion, before - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (await isUnneeded(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
