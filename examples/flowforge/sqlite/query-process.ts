/** Runs the statements of windows in a process of its own, which may be killed: some functions of SQL cannot be interrupted. */
import { sqliteStreamFactory } from "async-streams";
import { FlowForgeError } from "../flowforge-error.js";
import { limitedQuery } from "./limited-query.js";
import {
  OUT_OF_MEMORY_SIGNAL,
  type QueryAnswer,
  type QueryProcessSettings,
  type QueryRequest,
} from "./query-messages.js";

const MEMORY_CHECK_INTERVAL_MS = 10;

// First of all: a main process that ends while this one starts would leave it alone for ever. By a signal, since an exit waits
// for the statement that runs, for hours where nothing can interrupt it.
const end = (): void => void process.kill(process.pid, "SIGKILL");
process.on("disconnect", end);
if (!process.connected) end();

const { path, limits, maxMemoryBytes } = JSON.parse(process.argv[2] ?? "") as QueryProcessSettings;
// The driver runs off this thread, so that the checks below go on while it computes.
const streams = await sqliteStreamFactory(path, { mode: "readonly", driver: "sqlite3", readPoolSize: 1 });
let isRunning = false;

process.on("message", (request: QueryRequest) => void answer(request));
await send({ ready: true });

const maxRss = process.memoryUsage.rss() + maxMemoryBytes;
setInterval(endBeforeMemoryDoes, MEMORY_CHECK_INTERVAL_MS);

async function answer({ id, ...args }: QueryRequest): Promise<void> {
  isRunning = true;
  try {
    await send({ id, rows: await limitedQuery(streams, args, limits) });
  } catch (error) {
    const { code, message } =
      error instanceof FlowForgeError ? error : new FlowForgeError("INTERNAL", "The query failed.");
    await send({ id, error: { code, message } });
  }
  isRunning = false;
}

/** SQLite takes up to a gigabyte for a single value, and nothing that runs in it can be asked to take less. */
function endBeforeMemoryDoes(): void {
  if (isRunning && process.memoryUsage.rss() > maxRss) process.kill(process.pid, OUT_OF_MEMORY_SIGNAL);
}

function send(message: QueryAnswer): Promise<void> {
  return new Promise((resolve) => process.send?.(message, undefined, undefined, () => resolve()));
}
