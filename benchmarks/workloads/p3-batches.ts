import { makeEvent } from "../bench-event.js";
import type { Workload } from "../workload.js";
import { POSTGRES_SUBJECTS } from "./library-subjects.js";
import { withDatabase } from "./postgres-database.js";
import { measureBatches, warmBatches } from "./w02-batches.js";

export const postgresBatches: Workload = {
  id: "P3",
  title: "W2u on a PostgreSQL server: batches of 1,000, without keys",
  base: "emmett-postgresql",
  figures: [
    {
      name: "rate",
      unit: "events/s",
      hasRatio: true,
      goal: { kind: "ratio", atLeast: { normal: 2, full: 2 } },
    },
  ],
  subjects: POSTGRES_SUBJECTS,
  run: (context) =>
    withDatabase(context, async (url) => {
      const { subject, durability, size } = context;
      const store = await subject.open(url, durability);
      await warmBatches(store, { make: makeEvent, size });
      const figures = await measureBatches(store, { make: makeEvent, size });
      await store.close();
      return figures;
    }),
};
