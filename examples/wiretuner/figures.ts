import { sql } from "async-streams";
import { loadState } from "async-streams/commands";
import type { Database } from "./database.js";
import { replayFold } from "./document-fold.js";
import { streamOf } from "./document-stream.js";
import { loadDocument } from "./load-document.js";
import { saveState } from "./snapshots.js";
import { SqliteEventGateway } from "./sqlite-event-gateway.js";

/** How fast and how large a document is. */
export interface Figures {
  readonly loadMs: number;
  readonly replayedEvents: number;
  readonly loadWithoutSnapshotsMs: number;
  readonly eventCount: number;
  readonly snapshotMs: number;
  /** Of an event as JSON text, on average. */
  readonly eventBytes: number;
  /** Of the newest snapshot as it is in the file. */
  readonly snapshotBytes: number;
  /** How much larger its JSON text is. */
  readonly snapshotRatio: number;
}

/** How often a figure is measured after the first time, which loads code. */
const REPETITIONS = 9;

/** Measures one document. A figure is the median of those of a process that runs for a while. */
export async function figuresOf(db: Database, documentId: string): Promise<Figures> {
  const load = await measure(() => loadDocument(db, documentId));
  const { replayedEvents, latestSequence } = load.result;
  // A fold without a policy does not look for snapshots.
  const replay = await measure(() => {
    const { snapshot: _, ...withoutSnapshots } = replayFold();
    return loadState(db, withoutSnapshots, streamOf(documentId));
  });
  await using stream = await db.openStream(streamOf(documentId));
  const { state, version } = replay.result;
  const snapshot = await measure(() => saveState(stream, state, version));
  const events = await new SqliteEventGateway({ db, documentId }).getEvents({ fromSequence: 0 });
  const [newest] = await db.query<{ bytes: number }>(
    sql`SELECT length(state) AS bytes FROM es_snapshots ORDER BY version DESC LIMIT 1`,
  );
  const snapshotBytes = newest?.bytes ?? 0;
  return {
    loadMs: load.durationMs,
    replayedEvents,
    loadWithoutSnapshotsMs: replay.durationMs,
    eventCount: latestSequence + 1,
    snapshotMs: snapshot.durationMs,
    eventBytes: byteLength(events) / events.length,
    snapshotBytes,
    snapshotRatio: byteLength(state) / snapshotBytes,
  };
}

/** The figures as lines, beside those of the seed. */
export function formatFigures(figures: Figures): string {
  const { loadMs, replayedEvents, loadWithoutSnapshotsMs, eventCount, snapshotMs } = figures;
  const { eventBytes, snapshotBytes, snapshotRatio } = figures;
  const replayRate = Math.round((eventCount * 1_000) / loadWithoutSnapshotsMs);
  return [
    `Load       ${ms(loadMs)} with a snapshot and ${replayedEvents} of ${eventCount} events (seed: below 100 ms)`,
    `           ${ms(loadWithoutSnapshotsMs)} without snapshots, ${replayRate.toLocaleString("en")} events/s (seed: 5,000)`,
    `Snapshot   ${ms(snapshotMs)} (seed: below 25 ms), ${snapshotBytes} bytes, ${snapshotRatio.toFixed(1)}:1 (seed: 10:1)`,
    `Event      ${eventBytes.toFixed(0)} bytes (seed: 100 to 500)`,
  ].join("\n");
}

async function measure<T>(work: () => Promise<T>): Promise<{ result: T; durationMs: number }> {
  let result = await work();
  const durationsMs: number[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition += 1) {
    const startedAtMs = performance.now();
    result = await work();
    durationsMs.push(performance.now() - startedAtMs);
  }
  durationsMs.sort((a, b) => a - b);
  return { result, durationMs: durationsMs[(REPETITIONS - 1) / 2] as number };
}

const byteLength = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

const ms = (value: number): string => `${value.toFixed(1)} ms`;
