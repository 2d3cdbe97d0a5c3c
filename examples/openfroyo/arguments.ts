import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

export const HELP: string = `Usage: openfroyo [plan.json] [--target folder] [--db path | --url postgresql://... [--replica postgresql://...]]
                 [--artifacts https://service/bucket] [--concurrency n] [--once] [--help]

Applies a plan to a folder, in the order of its dependencies, and then once more: the second run changes nothing.
Without a plan it applies plans/website.json.

  --target folder    where the plan is applied (default: a temporary folder)
  --db path          the database (default: a temporary one)
  --url url          a PostgreSQL database instead
  --replica url      a hot standby of that database: reads of events go there
  --artifacts url    a bucket of S3 for the files of packages (default: beside the tables). The credentials are
                     AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the region AWS_REGION
  --concurrency n    units that run at the same time (default: 4)
  --once             applies the plan once, and goes on with a run that was interrupted
  --help             shows this text`;

export interface Arguments {
  readonly help: boolean;
  readonly planPath: string;
  /** Undefined: a temporary one. */
  readonly target: string | undefined;
  readonly db: string | undefined;
  readonly url: string | undefined;
  readonly replica: string | undefined;
  /** The address of a bucket. */
  readonly artifacts: string | undefined;
  readonly concurrency: number;
  readonly isOnce: boolean;
}

/** @throws Error when the arguments make no sense */
export function parseArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      target: { type: "string" },
      db: { type: "string" },
      url: { type: "string" },
      replica: { type: "string" },
      artifacts: { type: "string" },
      concurrency: { type: "string", default: "4" },
      once: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const concurrency = Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1) throw new Error("--concurrency must be a whole number from 1");
  if (positionals.length > 1) throw new Error(`one plan at a time, got ${positionals.join(", ")}`);
  if (values.target === "") throw new Error("--target needs a folder");
  if (values.db !== undefined && values.url !== undefined) throw new Error("give --db or --url, not both");
  if (values.replica !== undefined && values.url === undefined) throw new Error("--replica is one of the --url");
  const planPath = positionals[0] ?? fileURLToPath(new URL("plans/website.json", import.meta.url));
  const { target, db, url, replica, artifacts, once: isOnce, help } = values;
  return { help, planPath, target, db, url, replica, artifacts, concurrency, isOnce };
}
