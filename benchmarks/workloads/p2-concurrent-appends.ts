import type { Workload } from "../workload.js";
import { POSTGRES_SUBJECTS } from "./library-subjects.js";
import { withDatabase } from "./postgres-database.js";
import { measureConcurrentAppends } from "./w03-concurrent-appends.js";

export const postgresConcurrentAppends: Workload = {
  id: "P2",
  title: "W3 on a PostgreSQL server",
  base: "emmett-postgresql",
  figures: [
    {
      name: "rate",
      unit: "appends/s",
      hasRatio: true,
      goal: { kind: "ratio", atLeast: { normal: 8, full: 8 } },
    },
    { name: "p50", unit: "ms" },
    { name: "p99", unit: "ms" },
    { name: "errors", unit: "errors" },
  ],
  subjects: POSTGRES_SUBJECTS,
  run: (context) =>
    withDatabase(context, async (url) => {
      const store = await context.subject.open(url, context.durability);
      const figures = await measureConcurrentAppends(store, context.size);
      await store.close();
      return figures;
    }),
};
