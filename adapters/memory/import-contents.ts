import type { ContentsBatch } from "../../protocols/index.js";
import { REMOVAL_STEP_EVENTS } from "../../src/limits.js";
import type { MemoryState } from "./memory-session.js";
import type { MemorySnapshots } from "./memory-snapshots.js";

/** Makes the changes of a batch. */
export function importContents(
  { events, records }: MemoryState,
  snapshots: MemorySnapshots,
  { remove = {}, put = {}, figures }: ContentsBatch,
): void {
  for (const key of remove.keptKeys ?? []) events.forgetKey(key);
  for (const snapshot of remove.snapshots ?? []) snapshots.removeOne(snapshot);
  for (const record of remove.records ?? []) records.remove(record);
  events.add(put.events ?? []);
  for (const { streamId, firstVersion } of put.prunedStreams ?? []) {
    events.remove({ streamId, before: firstVersion, limit: REMOVAL_STEP_EVENTS, keepKeys: false });
  }
  for (const key of put.keptKeys ?? []) events.keepKey(key);
  for (const snapshot of put.snapshots ?? []) snapshots.save(snapshot);
  for (const record of put.records ?? []) records.import(record);
  if (figures === undefined) return;
  events.skipTo(figures.givenPosition);
  records.skipTo(figures.lastRevision);
}
