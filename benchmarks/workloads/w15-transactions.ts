import { join } from "node:path";
import { sqliteStreamFactory } from "async-streams";
import type { Workload } from "../workload.js";
import { APPEND_LIMIT_MS } from "./append-loop.js";
import { makeAccounts, transactSideBySide } from "./transaction-loop.js";

const EACH = { small: 50, full: 2_000 };

export const transactions: Workload = {
  id: "W15",
  title: "transactions of a read, an append and an upsert, one after the other",
  figures: [{ name: "rate", unit: "transactions/s" }],
  subjects: ["library"],
  async run({ durability, folder, size }) {
    await using streams = await sqliteStreamFactory(join(folder, "store.db"), { durability });
    await makeAccounts(streams);
    await transactSideBySide(streams, { callers: 1, each: 20, limitMs: APPEND_LIMIT_MS.small });
    return {
      rate: await transactSideBySide(streams, { callers: 1, each: EACH[size], limitMs: APPEND_LIMIT_MS[size] }),
    };
  },
};
