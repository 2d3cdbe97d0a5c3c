import { parseArgs } from "node:util";
import { messageOf, Problem } from "./problem.js";

const DEFAULT_BATCH_SIZE = 2_000;
const MAX_BATCH_SIZE = 100_000;

export const HELP: string = `Usage: event-log [log.ndjson[.gz]] [--db path] [--batch n] [--help]

Imports an event log into a store, a stream for each case, reads everything back and verifies it.
Without a log it imports the history of its own git repository, with a stream for each file.

  --db path    the database; run it again and only what is new is added (default: a temporary one)
  --batch n    how many events are on their way at a time (default: ${DEFAULT_BATCH_SIZE})
  --help       shows this text

A line of a log: {"case": "42", "activity": "Paid", "timestamp": "2024-05-01T09:00:00Z",
"lifecycle": "complete", "resource": "Ann", "attributes": {"amount": 10}}; lifecycle and resource are optional.`;

export interface Arguments {
  readonly help: boolean;
  /** Undefined: the git history. */
  readonly logPath: string | undefined;
  /** Undefined: a temporary database. */
  readonly databasePath: string | undefined;
  readonly batchSize: number;
}

/** @throws Problem when the arguments make no sense */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseOrExplain(args);
  if (positionals.length > 1) throw new Problem(`Expected one log, got ${positionals.length}. See --help`);
  const batch = values.batch ?? `${DEFAULT_BATCH_SIZE}`;
  const batchSize = Number(batch);
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > MAX_BATCH_SIZE) {
    throw new Problem(`--batch must be a whole number from 1 to ${MAX_BATCH_SIZE}, got "${batch}"`);
  }
  if (values.db === "") throw new Problem("--db needs a path");
  return { help: values.help ?? false, logPath: positionals[0], databasePath: values.db, batchSize };
}

function parseOrExplain(args: readonly string[]): {
  values: { db?: string; batch?: string; help?: boolean };
  positionals: string[];
} {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { db: { type: "string" }, batch: { type: "string" }, help: { type: "boolean", short: "h" } },
    });
  } catch (error) {
    throw new Problem(`${messageOf(error)}. See --help`, { cause: error });
  }
}
