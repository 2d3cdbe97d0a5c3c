import type { Workload } from "../workload.js";
import { POSTGRES_SUBJECTS } from "./library-subjects.js";
import { fillStream, LONG_STREAM } from "./long-stream.js";
import { databaseUrl, withDatabase } from "./postgres-database.js";
import { measureReads, STREAM_EVENTS } from "./w04-read-stream.js";

export const postgresReadStream: Workload = {
  id: "P4",
  title: "W4 on a PostgreSQL server",
  base: "emmett-postgresql",
  isFlushFree: true,
  figures: [
    {
      name: "rate",
      unit: "events/s",
      hasRatio: true,
      goal: { kind: "ratio", atLeast: { normal: 1.5, full: 1.5 } },
    },
    { name: "peak", unit: "MB", isDetail: true },
  ],
  subjects: POSTGRES_SUBJECTS,
  run: (context) =>
    withDatabase(context, async (url) => {
      // Another process fills the stream, so that this one has nothing of it in memory.
      await context.startHelper();
      const store = await context.subject.open(url, context.durability);
      const figures = await measureReads(store, context.size);
      await store.close();
      return figures;
    }),
  async help(context) {
    const store = await context.subject.open(databaseUrl(context), context.durability);
    await fillStream(store, LONG_STREAM, STREAM_EVENTS[context.size]);
    await store.close();
    return {};
  },
};
