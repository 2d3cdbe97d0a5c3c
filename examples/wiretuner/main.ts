/** A drawing is drawn, closed, opened again, changed, undone, and written as the SVG that it came from. */
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { typed } from "async-streams/events";
import type { Database } from "./database.js";
import { EDITOR_EVENTS } from "./editor-events.js";
import { type Draft, EventRecorder } from "./event-recorder.js";
import { figuresOf, formatFigures } from "./figures.js";
import {
  ConnectionFactory,
  checkDocument,
  createDocument,
  DatabaseConfig,
  loadDocument,
  SqliteEventGateway,
  undo,
} from "./index.js";
import { dragPath, drawPath, sampled } from "./pen.js";
import { endSession, startSession } from "./sessions.js";
import { type Drawing, readSvg, writeSvg } from "./svg.js";

const DRAWING = new URL("lighthouse.svg", import.meta.url);
const BATCH_EVENTS = 500;
const DRAG_MS = 2_000;

const documentId = randomUUID();
const svg = await readFile(DRAWING, "utf8");
const folder = await mkdtemp(join(tmpdir(), "wiretuner-")).catch(({ message }) => {
  console.error(`Cannot make a temporary folder: ${message}`);
  process.exit(1);
});
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
const filePath = join(folder, "lighthouse.wiretuner");
const config = DatabaseConfig.file({ filePath });
const factory = new ConnectionFactory();
try {
  await factory.initialize();
  await draw(await factory.openConnection({ documentId, config }), readSvg(svg));
  await factory.closeConnection(documentId);
  const db = await factory.openConnection({ documentId, config });
  await dragAndUndo(db);
  const isSame = writeSvg((await loadDocument(db, documentId)).document) === svg;
  console.log(
    `Wrote      the document as SVG: ${isSame ? "every byte as it was read" : "it differs from what was read"}`,
  );
  const checks = await checkDocument(db, documentId);
  for (const { check, ok, detail } of checks) if (!ok) console.log(`Failed     ${check}: ${detail}`);
  console.log(`Checked    ${checks.filter(({ ok }) => ok).length} of ${checks.length} lines of the checklist hold`);
  console.log(formatFigures(await figuresOf(db, documentId)));
  process.exitCode = isSame && checks.every(({ ok }) => ok) ? 0 : 1;
} finally {
  await factory.closeAll();
}

async function draw(db: Database, { title, artboard, paths }: Drawing): Promise<void> {
  await createDocument(db, { documentId, title });
  const reports = paths.flatMap(drawPath);
  const drafts: Draft[] = [{ eventType: "SetArtboardEvent", fields: { ...artboard } }, ...sampled(reports)];
  await record(db, drafts);
  const anchors = paths.reduce((sum, path) => sum + path.anchors.length, 0);
  console.log(`Drew       "${title}": ${paths.length} paths, ${anchors} anchors, ${reports.length} reports of the pen`);
  console.log(`Recorded   ${drafts.length} events after sampling`);
}

async function dragAndUndo(db: Database): Promise<void> {
  const before = await loadDocument(db, documentId);
  const path = before.document.paths.at(-1);
  const first = path?.anchors[0];
  if (path === undefined || first === undefined) throw new Error("The drawing has no path to drag.");
  const drag = dragPath(path.pathId, [first.x, first.y], [first.x + 120, first.y - 80], DRAG_MS);
  const drafts = sampled(drag);
  await record(db, drafts);
  await undo(db, documentId);
  const { size } = await stat(filePath);
  console.log(`Closed     and opened again: ${Math.round(size / 1024)} KiB`);
  console.log(`Loaded     up to event ${before.latestSequence}, ${before.replayedEvents} events after the snapshot`);
  console.log(
    `Dragged    "${path.pathId}" for 2 s: ${drag.length} reports, ${drafts.length} events (seed: 40, 41 with the last)`,
  );
  console.log("Undid      the drag by one event");
}

/** Records through the catalogue of the editor's events, which refuses everything else. */
async function record(db: Database, drafts: readonly Draft[]): Promise<void> {
  const gateway = new SqliteEventGateway({ db: typed(db, EDITOR_EVENTS), documentId });
  const session = await startSession(db, documentId);
  const recorder = new EventRecorder({ gateway, ...session });
  for (let start = 0; start < drafts.length; start += BATCH_EVENTS) {
    await recorder.record(drafts.slice(start, start + BATCH_EVENTS));
  }
  await endSession(db, session);
}
