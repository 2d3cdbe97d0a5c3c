import { join } from "node:path";
import { parseArgs } from "node:util";
import { PACKAGE_ROOT } from "./package-root.js";
import { DURABILITIES, type Durability } from "./subject.js";
import { SUBJECTS } from "./subjects/index.js";
import type { SizeName } from "./workload.js";
import { WORKLOADS } from "./workloads/index.js";

const SIZES: readonly SizeName[] = ["small", "full"];
const SUBJECT_NAMES = SUBJECTS.map(({ name }) => name);
const USUAL_SUBJECT_NAMES = SUBJECTS.filter(({ isOnRequest }) => !isOnRequest).map(({ name }) => name);
const ON_REQUEST = SUBJECT_NAMES.filter((name) => !USUAL_SUBJECT_NAMES.includes(name));
const WORKLOAD_IDS = WORKLOADS.map(({ id }) => id);

export const USAGE = `Usage: npm run bench -- [options]

Measures every workload on every subject, each in a process of its own, round by round, and saves
latest.json and latest.md.

  --rounds N            how often everything is measured (default 5; 1 with --size small)
  --workload W1,W2      which workloads (default all): ${WORKLOAD_IDS.join(", ")}
  --subject a,b         which subjects (default all of the first line):
                        ${USUAL_SUBJECT_NAMES.join(", ")}
                        ${ON_REQUEST.join(", ")}
  --durability d,e      normal, full (default both)
  --size small|full     small is a smoke run; its figures mean nothing (default full)
  --out FOLDER          where the results are saved (default benchmarks/results, and for a run that leaves something
                        out benchmarks/results/partial, which is not committed)
  --temp FOLDER         where the databases are made (default the system's temporary folder, on a disk)
  --profile             counts statements, hops, bytes and CPU of the library instead; saves profile.md
  --help                prints this`;

export interface BenchOptions {
  readonly rounds: number;
  readonly workloads: readonly string[];
  readonly subjects: readonly string[];
  readonly durabilities: readonly Durability[];
  readonly size: SizeName;
  readonly out: string;
  readonly temp: string | undefined;
  readonly isProfile: boolean;
}

/** An option that makes no sense; the message is for the user. */
export class UsageError extends Error {}

/** @returns null when only help is wanted */
export function parseCommandLine(args: readonly string[]): BenchOptions | null {
  const values = parse(args);
  if (values.help) return null;
  const size = oneOf("size", values.size ?? "full", SIZES);
  return {
    rounds: positive("rounds", values.rounds ?? (size === "small" ? "1" : "5")),
    workloads: listOf("workload", values.workload, WORKLOAD_IDS),
    subjects: values.subject === undefined ? USUAL_SUBJECT_NAMES : listOf("subject", values.subject, SUBJECT_NAMES),
    durabilities: listOf("durability", values.durability, DURABILITIES),
    size,
    out: values.out ?? join(PACKAGE_ROOT, "benchmarks", "results", ...(isWhole(values, size) ? [] : ["partial"])),
    temp: values.temp,
    isProfile: values.profile ?? false,
  };
}

/** Whether its results may replace those that the guides quote. */
function isWhole({ workload, subject, durability }: ReturnType<typeof parse>, size: SizeName): boolean {
  return size === "full" && [workload, subject, durability].every((choice) => choice === undefined);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        rounds: { type: "string" },
        workload: { type: "string" },
        subject: { type: "string" },
        durability: { type: "string" },
        size: { type: "string" },
        out: { type: "string" },
        temp: { type: "string" },
        profile: { type: "boolean" },
        help: { type: "boolean" },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function positive(name: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new UsageError(`--${name} takes a whole number from 1 on, got "${value}"`);
}

function oneOf<Name extends string>(option: string, value: string, known: readonly Name[]): Name {
  const found = known.find((name) => name === value);
  if (found !== undefined) return found;
  throw new UsageError(`--${option} takes ${known.join(", ")}, got "${value}"`);
}

/** In the order of the known names, whatever order they are given in. */
function listOf<Name extends string>(option: string, value: string | undefined, known: readonly Name[]): Name[] {
  if (value === undefined) return [...known];
  const wanted = value.split(",").map((name) => oneOf(option, name.trim(), known));
  return known.filter((name) => wanted.includes(name));
}
