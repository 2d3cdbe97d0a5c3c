import { join } from "node:path";
import { sqliteStreamFactory } from "async-streams";
import type { Workload } from "../workload.js";
import { APPEND_LIMIT_MS } from "./append-loop.js";
import { makeAccounts, transactSideBySide } from "./transaction-loop.js";

const CALLERS = 64;
const EACH = { small: 10, full: 200 };
const ALONE_EACH = { small: 50, full: 1_000 };

export const concurrentTransactions: Workload = {
  id: "W16",
  title: "transactions of a read, an append and an upsert from 64 callers, each awaited",
  figures: [
    { name: "rate", unit: "transactions/s" },
    { name: "against one commit each", unit: "times" },
  ],
  subjects: ["library"],
  async run({ durability, folder, size }) {
    await using streams = await sqliteStreamFactory(join(folder, "store.db"), { durability });
    const limitMs = APPEND_LIMIT_MS[size];
    await makeAccounts(streams);
    await transactSideBySide(streams, { callers: CALLERS, each: 2, limitMs });
    const alone = await transactSideBySide(streams, { callers: 1, each: ALONE_EACH[size], limitMs });
    const rate = await transactSideBySide(streams, { callers: CALLERS, each: EACH[size], limitMs });
    return { rate, "against one commit each": rate / alone };
  },
};
