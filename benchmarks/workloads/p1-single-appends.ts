import type { Workload } from "../workload.js";
import { POSTGRES_SUBJECTS } from "./library-subjects.js";
import { withDatabase } from "./postgres-database.js";
import { measureSingleAppends } from "./w01-single-appends.js";

export const postgresSingleAppends: Workload = {
  id: "P1",
  title: "W1 on a PostgreSQL server",
  base: "emmett-postgresql",
  figures: [
    {
      name: "rate",
      unit: "appends/s",
      hasRatio: true,
      goal: { kind: "ratio", atLeast: { normal: 2, full: 2 } },
    },
    { name: "p50", unit: "ms", isDetail: true },
    { name: "p99", unit: "ms", isDetail: true },
    { name: "errors", unit: "errors", isDetail: true },
  ],
  subjects: POSTGRES_SUBJECTS,
  run: (context) =>
    withDatabase(context, async (url) => {
      const store = await context.subject.open(url, context.durability);
      const figures = await measureSingleAppends(store, context.size);
      await store.close();
      return figures;
    }),
};
