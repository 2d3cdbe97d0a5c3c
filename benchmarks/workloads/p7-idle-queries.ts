import { importPeer } from "../subjects/import-peer.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { POSTGRES_SUBJECTS } from "./library-subjects.js";
import { withDatabase } from "./postgres-database.js";
import { sleep } from "./sleep.js";

const IDLE_MS = { small: 2_000, full: 10_000 };

/** How often the library polls by default. */
const POLLS_PER_SECOND = 1;

export const postgresIdleQueries: Workload = {
  id: "P7",
  title: "the queries that a store with one watcher sends while nothing happens",
  base: "emmett-postgresql",
  isFlushFree: true,
  figures: [{ name: "queries", unit: "queries/s", hasRatio: true, goal: { kind: "at most", value: POLLS_PER_SECOND } }],
  subjects: POSTGRES_SUBJECTS,
  run: (context) => withDatabase(context, (url) => countIdleQueries(context, url)),
};

async function countIdleQueries({ subject, durability, size }: WorkloadContext, url: string) {
  const queries = await countQueries(subject.isPeer ?? false);
  let isLive = false;
  const hear = (): void => {
    isLive = true;
  };
  const stream = await subject.openWatched?.(url, durability, hear);
  if (stream === undefined) throw new Error(`${subject.name} has no way to watch`);
  await stream.append(1);
  while (!isLive) await sleep(1);
  await sleep(IDLE_MS.small);
  const before = queries.count;
  const beganMs = performance.now();
  await sleep(IDLE_MS[size]);
  const figures = { queries: ((queries.count - before) / (performance.now() - beganMs)) * 1_000 };
  await stream.close();
  return figures;
}

interface PG {
  readonly Client: { readonly prototype: { query(...args: unknown[]): unknown } };
}

/** Counts the calls of `pg`'s client, which each are a round trip, in the copy of `pg` that the subject uses. */
async function countQueries(isPeer: boolean): Promise<{ count: number }> {
  const { default: pg } = isPeer ? await importPeer<{ default: PG }>("pg") : ((await import("pg")) as { default: PG });
  const queries = { count: 0 };
  const { query } = pg.Client.prototype;
  pg.Client.prototype.query = function countedQuery(...args) {
    queries.count += 1;
    return query.apply(this, args);
  };
  return queries;
}
