import { join } from "node:path";
import type { Workload } from "../workload.js";
import { APPEND_LIMIT_MS, WARM_LIMIT_MS } from "./append-loop.js";
import { COMMANDING_SUBJECTS, commandSideBySide, openCommanding } from "./command-loop.js";
import { APPENDERS } from "./w03-concurrent-appends.js";

const EACH = { small: 20, full: 200 };
const WARM_EACH = 5;

export const commands: Workload = {
  id: "W23",
  title: "64 callers handle commands on 64 streams: load, decide, write, each awaited",
  figures: [
    { name: "rate", unit: "commands/s" },
    { name: "errors", unit: "errors" },
  ],
  subjects: COMMANDING_SUBJECTS,
  async run(context) {
    const { folder, size } = context;
    const store = await openCommanding(context, join(folder, "store.db"));
    const accountOf = (caller: number): string => `account-${caller}`;
    await commandSideBySide(store, { callers: APPENDERS, each: WARM_EACH, limitMs: WARM_LIMIT_MS, accountOf });
    const limitMs = APPEND_LIMIT_MS[size];
    const { rate, errors } = await commandSideBySide(store, {
      callers: APPENDERS,
      each: EACH[size],
      limitMs,
      accountOf,
    });
    await store.close();
    return { rate, errors };
  },
};
