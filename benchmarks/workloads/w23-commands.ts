import { join } from "node:path";
import type { FigureValues, Workload, WorkloadContext } from "../workload.js";
import { APPEND_LIMIT_MS, WARM_LIMIT_MS } from "./append-loop.js";
import { COMMANDING_SUBJECTS, commandSideBySide, openCommanding } from "./command-loop.js";
import { APPENDERS } from "./w03-concurrent-appends.js";

const EACH = { small: 20, full: 200 };
const EACH_OF_ONE = { small: 100, full: 3_000 };
const WARM_EACH = 5;

const FIGURES: Workload["figures"] = [
  { name: "rate", unit: "commands/s" },
  { name: "errors", unit: "errors" },
];

export const commands: Workload = {
  id: "W23",
  title: "64 callers handle commands on 64 streams: load, decide, write, each awaited",
  figures: FIGURES,
  subjects: COMMANDING_SUBJECTS,
  run: (context) => handleCommands(context, APPENDERS, EACH[context.size]),
};

/** Peers that fail commands of several callers are compared by this one. */
export const singleCommands: Workload = {
  id: "W23s",
  title: "one caller handles commands on one stream: load, decide, write, each awaited",
  figures: FIGURES,
  subjects: COMMANDING_SUBJECTS,
  run: (context) => handleCommands(context, 1, EACH_OF_ONE[context.size]),
};

async function handleCommands(context: WorkloadContext, callers: number, each: number): Promise<FigureValues> {
  const { folder, size } = context;
  const store = await openCommanding(context, join(folder, "store.db"));
  const accountOf = (caller: number): string => `account-${caller}`;
  await commandSideBySide(store, { callers, each: WARM_EACH, limitMs: WARM_LIMIT_MS, accountOf });
  const { rate, errors } = await commandSideBySide(store, { callers, each, limitMs: APPEND_LIMIT_MS[size], accountOf });
  await store.close();
  return { rate, errors };
}
