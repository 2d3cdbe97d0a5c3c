import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Workload } from "../workload.js";

const EVENTS = { small: 1_500, full: 12_000 };
const PATH_EVENTS = 300;
const ANCHOR_EVENTS = 5;
const BATCH_EVENTS = 500;
const DRAG_MS = 2_000;

/** The names have what the seed of the example promises. The goals are this project's own, where they are higher. */
export const wiretuner: Workload = {
  id: "S1",
  title: "WireTuner: a document of 12,000 events",
  figures: [
    { name: "load (seed: < 100 ms)", unit: "ms", goal: { kind: "below", value: 25 } },
    { name: "load without snapshots", unit: "ms" },
    { name: "snapshot (seed: < 25 ms)", unit: "ms", goal: { kind: "below", value: 25 } },
    { name: "replay (seed: 5,000/s)", unit: "events/s", goal: { kind: "at least", value: 200_000 } },
    { name: "event (seed: 100 to 500)", unit: "bytes", goal: { kind: "at most", value: 500 } },
    { name: "snapshot size (seed: 10 KB to 1 MB)", unit: "bytes", goal: { kind: "below", value: 1_000_000 } },
    { name: "snapshot ratio (seed: 10)", unit: "to 1", goal: { kind: "at least", value: 5 } },
    { name: "2 s of drag (seed: 40)", unit: "events", goal: { kind: "at most", value: 41 } },
  ],
  subjects: ["library"],
  isFlushFree: true,
  async run({ folder, size }) {
    const { figuresOf, dragPath, sampled, ...example } = await loadExample();
    const { ConnectionFactory, createDocument, DatabaseConfig, SqliteEventGateway } = example;
    const documentId = randomUUID();
    const factory = new ConnectionFactory();
    await factory.initialize();
    const config = DatabaseConfig.file({ filePath: join(folder, "document.wiretuner") });
    const db = await factory.openConnection({ documentId, config });
    await createDocument(db, { documentId, title: "Benchmark" });
    const gateway = new SqliteEventGateway({ db, documentId });
    for (let first = 0; first < EVENTS[size]; first += BATCH_EVENTS) {
      const batch = Array.from({ length: BATCH_EVENTS }, (_, index) => makeEvent(first + index));
      await gateway.persistEventBatch(batch);
    }
    const figures = await figuresOf(db, documentId);
    const { loadMs, loadWithoutSnapshotsMs, snapshotMs, eventCount } = figures;
    await factory.closeAll();
    return {
      "load (seed: < 100 ms)": loadMs,
      "load without snapshots": loadWithoutSnapshotsMs,
      "snapshot (seed: < 25 ms)": snapshotMs,
      "replay (seed: 5,000/s)": (eventCount * 1_000) / loadWithoutSnapshotsMs,
      "event (seed: 100 to 500)": figures.eventBytes,
      "snapshot size (seed: 10 KB to 1 MB)": figures.snapshotBytes,
      "snapshot ratio (seed: 10)": figures.snapshotRatio,
      "2 s of drag (seed: 40)": sampled(dragPath("path-0", [0, 0], [100, 100], DRAG_MS)).length,
    };
  },
};

/** Only where it is measured: every process of the benchmarks loads this file, and W8 measures the memory of one. */
async function loadExample() {
  const modules = await Promise.all([
    import("../../examples/wiretuner/index.js"),
    import("../../examples/wiretuner/figures.js"),
    import("../../examples/wiretuner/pen.js"),
  ]);
  const [example, figures, pen] = modules;
  return { ...example, ...figures, ...pen };
}

/**
 * Paths that are drawn one after the other, as a pen draws them: an anchor comes several times, while its handle is dragged
 * out.
 */
function makeEvent(sequenceNumber: number) {
  const pathId = `path-${Math.floor(sequenceNumber / PATH_EVENTS)}`;
  const envelope = { eventId: randomUUID(), timestamp: Date.now(), sequenceNumber, undoGroupId: pathId };
  const step = sequenceNumber % PATH_EVENTS;
  if (step === 0) {
    const style = { fill: "none", stroke: "#000000", strokeWidth: 1 };
    return { ...envelope, eventType: "CreatePathEvent", pathId, style };
  }
  const index = Math.floor((step - 1) / ANCHOR_EVENTS);
  const [x, y] = [sequenceNumber / 8, index / 4];
  const anchor = { x, y, out: [x + step / 2, y + 0.5] };
  return { ...envelope, eventType: "AddAnchorEvent", pathId, index, anchor };
}
