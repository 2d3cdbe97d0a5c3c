import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { runProjections } from "../../../projections.js";
import { backendsHere } from "../support/backends.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";
import { MortalConnections } from "../support/mortal-connections.js";
import type { StoreAddress } from "../support/store-address.js";
import { deposit, SumsSoFar, sumsOfEvents, sumsOfTable, sumsProjection } from "../support/sums-projection.js";

type ServerAddress = Extract<StoreAddress, { readonly url: string }>;

/** Short: each of those that run the projection waits until the lease of the one before it is over. */
const LEASE_MS = 250;
/** How many stores have such a projection at the same time. */
const STORES = { quick: 4, soak: 20 };
/** How many are killed over each store: in a soak run 10,000 in all. */
const KILLS = { quick: 12, soak: 50 };
/** From this part of them on the next version is built, which has to come to be shown too. */
const SECOND_VERSION_FROM = 0.3;
const STREAMS = 5;
const MAX_BATCH_SIZE = 12;
/**
 * A batch of the largest size has fewer, and two have more. What is missing comes on top: a version that is built takes all of that in
 * one transaction.
 */
const MAX_STATEMENTS = 24;
/** One that has projected everything, and has not come to its end, gets more after so long. */
const WRITE_EVERY_MS = 200;
/** The last one gets as long as it needs beside all others. */
const LAST_LEASE_MS = 60_000;
const LAST_WITHIN_MS = { quick: 60_000, soak: 300_000 };
/** For so long one that was killed tries to reach the server, which it does not. */
const TIMEOUTS = { connectTimeoutMs: 30_000, commandTimeoutMs: 30_000 };
/** The server takes 100 connections. */
const FEW_CONNECTIONS = { readPoolSize: 1, notify: false, pollIntervalMs: 20 };

/** Whether the second version is shown. The definition of a view cannot be read while another one takes its place. */
const SHOWN = sql`SELECT 1 FROM pg_rewrite r JOIN pg_depend d ON d.objid = r.oid
  WHERE r.ev_class = to_regclass('sums') AND d.refobjid = to_regclass('sums__2')`;

const postgres = backendsHere().find(({ name }) => name === "PostgreSQL");

if (postgres !== undefined) {
  faultTest(
    "R62 a projection over PostgreSQL whose connections end as by a kill at any of its statements has each event once after each kill",
    { quick: 1, soak: 10 },
    async (laboratory) => {
      const { rounds, size, integer, count } = laboratory;
      const killAgainAndAgain = async (): Promise<void> => {
        await using created = await postgres.createAddress();
        const { url, ...schemas } = created.address as ServerAddress;
        await using streams = await postgresStreamFactory(url, { ...schemas, ...FEW_CONNECTIONS });
        const soFar = new SumsSoFar(streams);
        const remains: Promise<void>[] = [];
        const write = () => deposit(streams, integer(1, 9), STREAMS);
        let last = await write();
        const positions = { 1: 0, 2: 0 };
        for (let kill = 0; kill < KILLS[size]; ) {
          const version = kill < SECOND_VERSION_FROM * KILLS[size] ? 1 : 2;
          const killed = await start(
            { url, ...schemas },
            { version, at: integer(1, last - positions[version] + MAX_STATEMENTS) },
            laboratory,
          );
          let statement: string | undefined;
          while (statement === undefined) {
            statement = await Promise.race([killed.ended, delay(WRITE_EVERY_MS, undefined)]);
            if (statement === undefined && killed.hasBegun()) last = await deposit(streams, integer(1, 9), 1);
          }
          remains.push(killed.dispose());
          if (statement === "") continue;
          kill += 1;
          count("kills");
          if (statement.includes("COMMIT")) count("kills at a COMMIT");
          positions[version] = await soFar.expectInTable(version);
          if (positions[version] >= last) last = await write();
        }
        if ((await streams.query(SHOWN)).length > 0) count("swaps");
        await using heir = await runProjections(streams, [sumsProjection(2)], { leaseMs: LAST_LEASE_MS });
        last = await write();
        await expect
          .poll(() => heir.status()[0], { timeout: LAST_WITHIN_MS[size] })
          .toMatchObject({ version: 2, state: "live", position: last });
        expect(await sumsOfTable(streams)).toEqual(await sumsOfEvents(streams));
        await Promise.all(remains);
      };
      for (let round = 0; round < rounds; round += 1) {
        await Promise.all(Array.from({ length: STORES[size] }, killAgainAndAgain));
      }
    },
  );
}

/** Runs the projection as a process of its own does, until its connections end. */
async function start(
  { url, schema, applicationSchema }: ServerAddress,
  { version, at }: { readonly version: number; readonly at: number },
  { random, integer }: Laboratory,
) {
  const connections = new MortalConnections({ at, isSent: random() < 0.5 });
  const options = { schema, applicationSchema, ...TIMEOUTS, ...FEW_CONNECTIONS };
  const streams = await postgresStreamFactory(connections.options(url), options);
  if (random() < 0.1) connections.arm();
  const mode = random() < 0.3 ? "inline" : "behind";
  const amount = integer(1, 9);
  const running = runProjections(streams, [sumsProjection(version)], {
    mode,
    leaseMs: LEASE_MS,
    batchSize: integer(1, MAX_BATCH_SIZE),
    onStatus: ({ state }) => state !== "standby" && connections.arm(),
  });
  // The server may be too slow for it: that was no kill, and another one begins.
  running.catch(() => connections.cut());
  const writing = running.then(async () => {
    // What it writes itself is projected with it. On a slow machine that may take longer than the lease, and is undone.
    while (mode === "inline" && !connections.areEnded) await deposit(streams, amount, STREAMS).catch(() => undefined);
  });
  const stopped = Promise.allSettled([
    writing,
    connections.ended.then(async () => (await running)[Symbol.asyncDispose]()),
  ]);
  return {
    ended: connections.ended,
    hasBegun: () => connections.isArmed,
    /** Ends what is left in this process, and reaches nothing any more. */
    async dispose(): Promise<void> {
      await stopped;
      await streams[Symbol.asyncDispose]().catch(() => undefined);
    },
  };
}
