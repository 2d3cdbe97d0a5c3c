import { loadState } from "async-streams/commands";
import type { Database } from "./database.js";
import { documentFold } from "./document-fold.js";
import { streamOf } from "./document-stream.js";
import { loadDocument } from "./load-document.js";
import { saveState } from "./snapshots.js";

/** How fast a document is. */
export interface Figures {
  readonly loadMs: number;
  readonly replayedEvents: number;
  readonly loadWithoutSnapshotsMs: number;
  readonly eventCount: number;
  readonly snapshotMs: number;
}

/** Measures one document, each figure once more than the first time, which loads code. */
export async function figuresOf(db: Database, documentId: string): Promise<Figures> {
  const load = await measure(() => loadDocument(db, documentId));
  const { replayedEvents, latestSequence } = load.result;
  // A fold without a policy does not look for snapshots.
  const { snapshot: _, ...withoutSnapshots } = documentFold;
  const replay = await measure(() => loadState(db, withoutSnapshots, streamOf(documentId)));
  await using stream = await db.openStream(streamOf(documentId));
  const { state, version } = replay.result;
  const snapshot = await measure(() => saveState(stream, state, version));
  return {
    loadMs: load.durationMs,
    replayedEvents,
    loadWithoutSnapshotsMs: replay.durationMs,
    eventCount: latestSequence + 1,
    snapshotMs: snapshot.durationMs,
  };
}

/** The figures as lines, beside those of the seed. */
export function formatFigures(figures: Figures): string {
  const { loadMs, replayedEvents, loadWithoutSnapshotsMs, eventCount, snapshotMs } = figures;
  const replayRate = Math.round((eventCount * 1_000) / loadWithoutSnapshotsMs);
  return [
    `Load       ${ms(loadMs)} with a snapshot and ${replayedEvents} of ${eventCount} events (seed: below 100 ms)`,
    `           ${ms(loadWithoutSnapshotsMs)} without snapshots, ${replayRate.toLocaleString("en")} events/s (seed: 5,000)`,
    `Snapshot   ${ms(snapshotMs)} (seed: below 25 ms)`,
  ].join("\n");
}

async function measure<T>(work: () => Promise<T>): Promise<{ result: T; durationMs: number }> {
  await work();
  const startedAtMs = performance.now();
  const result = await work();
  return { result, durationMs: performance.now() - startedAtMs };
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
