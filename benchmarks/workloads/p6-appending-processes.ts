import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Helpers, Workload, WorkloadContext } from "../workload.js";
import { appendSideBySide, WARM_LIMIT_MS } from "./append-loop.js";
import { POSTGRES_SUBJECTS } from "./library-subjects.js";
import { databaseUrl, withDatabase } from "./postgres-database.js";
import { sleep } from "./sleep.js";
import { APPENDERS } from "./w03-concurrent-appends.js";

const PROCESSES = 4;

/** For how long each process appends; all of them at the same time. */
const APPENDING_MS = { small: 500, full: 5_000 };

/** With the second number of callers, each group of a process is a quarter as large, and takes a sync of its own all the same. */
const FEW_APPENDERS = APPENDERS / PROCESSES;

export const postgresAppendingProcesses: Workload = {
  id: "P6",
  title: "appends of 1 process and of 4, with 64 callers in each, and with 16 in each",
  base: "emmett-postgresql",
  figures: [
    { name: "one process", unit: "appends/s", hasRatio: true },
    { name: "4 processes", unit: "appends/s", hasRatio: true },
    { name: "share", unit: "of one", goal: { kind: "at least", value: 0.5 } },
    { name: "one process, 16 callers", unit: "appends/s", hasRatio: true },
    { name: "4 processes, 16 callers each", unit: "appends/s", hasRatio: true },
    { name: "share, 16 callers each", unit: "of one", goal: { kind: "at least", value: 0.5 } },
    { name: "share, 64 callers in all", unit: "of one", goal: { kind: "at least", value: 0.5 } },
  ],
  subjects: POSTGRES_SUBJECTS,
  run: (context) =>
    withDatabase(context, async () => {
      const one = await rateOf(context, { processes: 1, callers: APPENDERS });
      const several = await rateOf(context, { processes: PROCESSES, callers: APPENDERS });
      const oneOfFew = await rateOf(context, { processes: 1, callers: FEW_APPENDERS });
      const severalOfFew = await rateOf(context, { processes: PROCESSES, callers: FEW_APPENDERS });
      return {
        "one process": one,
        "4 processes": several,
        share: several / one,
        "one process, 16 callers": oneOfFew,
        "4 processes, 16 callers each": severalOfFew,
        "share, 16 callers each": severalOfFew / oneOfFew,
        "share, 64 callers in all": severalOfFew / one,
      };
    }),
  async help(context) {
    const { subject, durability, size, helpers } = context;
    const store = await subject.open(databaseUrl(context), durability);
    const name = `account-${helpers.processes}-${helpers.callers}-${process.pid}`;
    const options = { appenders: helpers.callers, each: Number.POSITIVE_INFINITY };
    await appendSideBySide(store, { ...options, name: `warm-${name}`, limitMs: WARM_LIMIT_MS });
    await othersAreReady(context);
    const tally = await appendSideBySide(store, { ...options, name, limitMs: APPENDING_MS[size] });
    await store.close();
    return tally.figures();
  },
};

/** The appends a second of all processes together. */
async function rateOf({ startHelper }: WorkloadContext, helpers: Helpers): Promise<number> {
  const figures = await Promise.all(Array.from({ length: helpers.processes }, () => startHelper(helpers)));
  return figures.reduce((sum, { rate = 0 }) => sum + rate, 0);
}

/** Waits until each process has come so far, so that all append at the same time. */
async function othersAreReady({ folder, helpers: { processes, callers } }: WorkloadContext): Promise<void> {
  const meeting = join(folder, `${processes}-${callers}`);
  await mkdir(meeting, { recursive: true });
  await writeFile(join(meeting, String(process.pid)), "");
  while ((await readdir(meeting)).length < processes) await sleep(1);
}
