import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { runProjections } from "../../../projections.js";
import { backendsHere } from "../support/backends.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";
import { MortalConnections } from "../support/mortal-connections.js";
import type { StoreAddress } from "../support/store-address.js";
import { deposit, SumsSoFar, sumsOfEvents, sumsOfTable, sumsProjection } from "../support/sums-projection.js";

type ServerAddress = Extract<StoreAddress, { readonly url: string }>;

/** Short: each of those that run the projection waits until the lease of the one before it is over. */
const LEASE_MS = 100;
/** How many stores have such a projection at the same time. */
const STORES = { quick: 4, soak: 20 };
/** How many are killed over each store: in a soak run 10,000 in all. */
const KILLS = { quick: 10, soak: 50 };
/** From this part of them on the next version is built, which has to come to be shown too. */
const SECOND_VERSION_FROM = 0.4;
const STREAMS = 5;
const MAX_BATCH_SIZE = 12;
/** A batch of the largest size has fewer, and two have more. */
const MAX_STATEMENTS = 24;
/** One that has projected everything, and has not come to its end, gets more after so long. */
const WRITE_EVERY_MS = 2 * LEASE_MS;
/** For so long one that was killed tries to reach the server, which it does not. */
const TIMEOUTS = { connectTimeoutMs: 1_000, commandTimeoutMs: 2_000 };
/** The server takes 100 connections. */
const FEW_CONNECTIONS = { readPoolSize: 1, notify: false, pollIntervalMs: 20 };

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
        for (let kill = 0; kill < KILLS[size]; kill += 1) {
          const version = kill < SECOND_VERSION_FROM * KILLS[size] ? 1 : 2;
          const killed = await start({ url, ...schemas }, version, laboratory);
          let statement: string | undefined;
          while (statement === undefined) {
            statement = await Promise.race([killed.ended, delay(WRITE_EVERY_MS, undefined)]);
            if (statement === undefined) last = await write();
          }
          remains.push(killed.dispose());
          count("kills");
          if (statement.includes("COMMIT")) count("kills at a COMMIT");
          const position = await soFar.expectInTable(version);
          if (position >= last) last = await write();
        }
        await using heir = await runProjections(streams, [sumsProjection(2)]);
        last = await write();
        await expect
          .poll(() => heir.status()[0], { timeout: 50_000 })
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
  version: number,
  { random, integer }: Laboratory,
) {
  const connections = new MortalConnections({ at: integer(1, MAX_STATEMENTS), isSent: random() < 0.5 });
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
    /** Ends what is left in this process, and reaches nothing any more. */
    async dispose(): Promise<void> {
      await stopped;
      await streams[Symbol.asyncDispose]().catch(() => undefined);
    },
  };
}
