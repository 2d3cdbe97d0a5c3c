import { join } from "node:path";
import { sql, type TransactionalStreamFactory } from "async-streams";
import { type ConsumerDefinition, consume } from "async-streams/consumers";
import { runProjections, whenProcessed } from "async-streams/projections";
import { makeEvent } from "../bench-event.js";
import { countingProjection } from "../subjects/library-projections.js";
import type { Workload } from "../workload.js";
import { cpuPercent } from "./cpu-percent.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { sleep } from "./sleep.js";

const MANY = 100;
const IDLE_MS = { small: 5_000, full: 60_000 };
const RECORDS_MS = { small: 20_000, full: 60_000 };
/** Renewals come every 10 s from the start on: so none falls on the edge of what is counted. */
const BEFORE_RECORDS_MS = 5_000;
const MS_PER_MINUTE = 60_000;

export const idleProjections: Workload = {
  id: "W34",
  title: "the CPU of 100 idle consumers and 100 idle projections, in percent of a core; what one consumer writes",
  figures: [
    { name: "100 of each", unit: "%", goal: { kind: "below", value: 2 } },
    // Six renewals, each of the record that all partitions share and of that of the only one.
    { name: "records of one consumer", unit: "/min", goal: { kind: "at most", value: 12 } },
  ],
  subjects: LIBRARY_SUBJECTS,
  isFlushFree: true,
  async run(context) {
    const one = await openFactory(context, join(context.folder, "one.db"));
    const records = await recordsPerMinute(one as TransactionalStreamFactory, RECORDS_MS[context.size]);
    await one[Symbol.asyncDispose]();
    const many = (await openFactory(context, join(context.folder, "many.db"))) as TransactionalStreamFactory;
    await startMany(many);
    const percent = await cpuPercent(IDLE_MS[context.size]);
    await many[Symbol.asyncDispose]();
    return { "100 of each": percent, "records of one consumer": records };
  },
};

/** Starts consumers and projections, which have handled what there is and wait for more. */
async function startMany(streams: TransactionalStreamFactory): Promise<void> {
  const { position } = await (await streams.openStream("account")).write(makeEvent(0));
  for (let index = 0; index < MANY; index += 1) {
    const consumer = await consume(streams, consumerOf(`consumer-${index}`));
    await consumer.whenProcessed(position);
  }
  const projections = Array.from({ length: MANY }, (_, index) => countingProjection(`counts_${index}`));
  await runProjections(streams, projections);
  for (const { name } of projections) await whenProcessed(streams, name, position);
}

/** How many records an idle consumer writes in a minute: each has the next revision. */
async function recordsPerMinute(streams: TransactionalStreamFactory, timeMs: number): Promise<number> {
  await consume(streams, consumerOf("alone"));
  await sleep(BEFORE_RECORDS_MS);
  const before = await lastRevision(streams);
  await sleep(timeMs);
  return ((await lastRevision(streams)) - before) * (MS_PER_MINUTE / timeMs);
}

async function lastRevision(streams: TransactionalStreamFactory): Promise<number> {
  const [row] = await streams.query<{ revision: number }>(
    sql`SELECT value AS revision FROM es_counters WHERE name = 'revision'`,
  );
  return row?.revision ?? Number.NaN;
}

function consumerOf(name: string): ConsumerDefinition {
  return { name, startFrom: "beginning", handle: async () => undefined };
}
