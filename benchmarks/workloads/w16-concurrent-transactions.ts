import { join } from "node:path";
import type { Workload } from "../workload.js";
import { APPEND_LIMIT_MS, WARM_LIMIT_MS } from "./append-loop.js";
import { openTransacting, TRANSACTING_SUBJECTS, transactSideBySide } from "./transaction-loop.js";

const CALLERS = 64;
const EACH = { small: 10, full: 200 };
const ALONE_EACH = { small: 50, full: 1_000 };
const WARM_EACH = 2;

export const concurrentTransactions: Workload = {
  id: "W16",
  title: "transactions of a read, an append and an upsert from 64 callers, each awaited",
  figures: [
    { name: "rate", unit: "transactions/s", hasRatio: true },
    { name: "against one commit each", unit: "times" },
    { name: "errors", unit: "errors", isDetail: true },
  ],
  subjects: TRANSACTING_SUBJECTS,
  async run(context) {
    const { folder, size } = context;
    const store = await openTransacting(context, join(folder, "store.db"));
    const limitMs = APPEND_LIMIT_MS[size];
    await transactSideBySide(store, { callers: CALLERS, each: WARM_EACH, limitMs: WARM_LIMIT_MS });
    const alone = await transactSideBySide(store, { callers: 1, each: ALONE_EACH[size], limitMs });
    const figures = await transactSideBySide(store, { callers: CALLERS, each: EACH[size], limitMs });
    await store.close();
    return { ...figures, "against one commit each": figures.rate / alone.rate };
  },
};
