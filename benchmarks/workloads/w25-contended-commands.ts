import { join } from "node:path";
import type { Workload } from "../workload.js";
import { APPEND_LIMIT_MS } from "./append-loop.js";
import { COMMANDING_SUBJECTS, commandSideBySide, openCommanding } from "./command-loop.js";

const CALLERS = 16;
const EACH = { small: 10, full: 100 };

export const contendedCommands: Workload = {
  id: "W25",
  title: "16 callers handle commands on one stream, each awaited",
  figures: [
    { name: "rate", unit: "commands/s" },
    { name: "errors", unit: "errors", goal: { kind: "at most", value: 0 } },
    { name: "lost", unit: "commands", goal: { kind: "at most", value: 0 } },
  ],
  subjects: COMMANDING_SUBJECTS,
  async run(context) {
    const { folder, size } = context;
    const store = await openCommanding(context, join(folder, "store.db"));
    const accountOf = (): string => "account";
    const limitMs = APPEND_LIMIT_MS[size];
    const { rate, count, errors } = await commandSideBySide(store, {
      callers: CALLERS,
      each: EACH[size],
      limitMs,
      accountOf,
    });
    const lost = count - (await store.count("account"));
    await store.close();
    return { rate, errors, lost };
  },
};
