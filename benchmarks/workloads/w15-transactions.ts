import { join } from "node:path";
import type { Workload } from "../workload.js";
import { APPEND_LIMIT_MS, WARM_LIMIT_MS } from "./append-loop.js";
import { openTransacting, TRANSACTING_SUBJECTS, transactSideBySide } from "./transaction-loop.js";

const EACH = { small: 50, full: 2_000 };
const WARM_EACH = 20;

export const transactions: Workload = {
  id: "W15",
  title: "transactions of a read, an append and an upsert, one after the other",
  figures: [
    { name: "rate", unit: "transactions/s", hasRatio: true },
    { name: "errors", unit: "errors", isDetail: true },
  ],
  subjects: TRANSACTING_SUBJECTS,
  async run(context) {
    const { folder, size } = context;
    const store = await openTransacting(context, join(folder, "store.db"));
    await transactSideBySide(store, { callers: 1, each: WARM_EACH, limitMs: WARM_LIMIT_MS });
    const figures = await transactSideBySide(store, { callers: 1, each: EACH[size], limitMs: APPEND_LIMIT_MS[size] });
    await store.close();
    return { ...figures };
  },
};
