/** Projects events in a thread of its own: it only reads them from the thread of the store. */
import { parentPort, workerData } from "node:worker_threads";
import { projectToMemory, runProjections, sqliteReadModels, whenProcessed } from "async-streams/projections";
import { connectStreams } from "async-streams/worker";
import { ACTIVITY, TOTALS, type Totals } from "./activity.js";
import type { FromProjector, ProjectorData, ToProjector } from "./projector-messages.js";

const PROCESS_TIMEOUT_MS = 600_000;

const { port, path } = workerData as ProjectorData;
const streams = await connectStreams(port);
const models = await sqliteReadModels(path, { driver: "better-sqlite3" });
const runner = await runProjections(streams, [ACTIVITY], { store: models });
let newest: Totals | undefined;
let isTaken = true;

const totals = await projectToMemory(streams, TOTALS);
totals.changes.subscribe({
  next: change,
  error: (error) =>
    setImmediate(() => {
      throw error;
    }),
});
change(totals.state);
// Messages that came before wait for it.
parentPort?.on("message", (message: ToProjector) => void take(message));

async function take(message: ToProjector): Promise<void> {
  if (message.kind === "taken") {
    isTaken = true;
    send();
  } else if (message.kind === "process") {
    const { position } = message;
    const options = { timeoutMs: PROCESS_TIMEOUT_MS };
    await Promise.all([
      whenProcessed(models, ACTIVITY.name, position, options),
      totals.whenProcessed(position, options),
    ]);
    post({ kind: "processed", position });
  } else {
    await totals[Symbol.asyncDispose]();
    await runner[Symbol.asyncDispose]();
    await models[Symbol.asyncDispose]();
    await streams[Symbol.asyncDispose]();
    process.exit();
  }
}

function change(state: Totals): void {
  newest = state;
  send();
}

/** One message is under way at most. What changes meanwhile is in the next one. */
function send(): void {
  if (newest === undefined || !isTaken) return;
  isTaken = false;
  post({ kind: "changed", totals: newest });
  newest = undefined;
}

function post(message: FromProjector): void {
  parentPort?.postMessage(message);
}
