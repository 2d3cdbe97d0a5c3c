/** The main job of an event store on real input: import a log, read it all back, verify it, and say how it went. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isStreamError, sqliteStreamFactory } from "async-streams";
import { type Arguments, HELP, parseArguments } from "./arguments.js";
import { readGitHistory } from "./git-history.js";
import { importEvents } from "./import-events.js";
import { messageOf, Problem } from "./problem.js";
import { Progress } from "./progress.js";
import { verifyAllStream, verifyEachStream } from "./read-back.js";
import { readLog } from "./read-log.js";
import { formatReport } from "./report.js";

const EXIT_FAILED = 1;
const EXIT_INTERRUPTED = 130;

// The first Ctrl-C ends the work in good order, a second one ends the process.
const interruption = new AbortController();
const { signal } = interruption;
process.once("SIGINT", () => interruption.abort());

async function run({ logPath, batchSize }: Arguments, databasePath: string): Promise<string> {
  const records = logPath === undefined ? readGitHistory(process.cwd()) : readLog(logPath);
  await using streams = await sqliteStreamFactory(databasePath);
  const writing = await step("Writing", (onProgress) =>
    importEvents(streams, records, { batchSize, signal, onProgress }),
  );
  const log = writing.result;
  const reading = await step("Reading @all", (onProgress) => verifyAllStream(streams, log, onProgress, signal));
  const { durationMs: readStreamsMs } = await step("Reading streams", (onProgress) =>
    verifyEachStream(streams, log, onProgress, signal),
  );
  const durations = { writeMs: writing.durationMs, readAllMs: reading.durationMs, readStreamsMs };
  return formatReport(log, reading.result, durations);
}

async function step<T>(
  label: string,
  work: (onProgress: (count: number) => void) => Promise<T>,
): Promise<{ result: T; durationMs: number }> {
  const progress = new Progress(label);
  const startedAtMs = performance.now();
  try {
    const result = await work(progress.update);
    return { result, durationMs: performance.now() - startedAtMs };
  } finally {
    progress.end();
  }
}

async function withDatabase<T>(path: string | undefined, use: (path: string) => Promise<T>): Promise<T> {
  if (path !== undefined) return use(path);
  const folder = await mkdtemp(join(tmpdir(), "event-log-"));
  try {
    return await use(join(folder, "log.db"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const args = parseArguments(process.argv.slice(2));
  if (args.help) {
    console.log(HELP);
    return;
  }
  console.log(await withDatabase(args.databasePath, (path) => run(args, path)));
}

try {
  await main();
} catch (error) {
  if (signal.aborted) {
    console.error("Interrupted. What was written is stored; run it again with the same --db to complete it.");
    process.exitCode = EXIT_INTERRUPTED;
  } else {
    const isExpected = error instanceof Problem || isStreamError(error);
    console.error(isExpected ? messageOf(error) : error);
    process.exitCode = EXIT_FAILED;
  }
}
