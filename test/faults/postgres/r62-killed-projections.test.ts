import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { whenProcessed } from "../../../projections.js";
import type { ProjectingConfig } from "../fixtures/projecting-process.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { openStoreAt } from "../support/store-address.js";
import { deposit, sumsOfEvents, sumsOfTable } from "../support/sums-projection.js";

const LEASE_MS = 200;
const KILLS = { quick: 6, soak: 40 };
/** A batch of 20 events has fewer, and two have more. */
const MAX_STATEMENTS = 60;
/** Few enough that the last process has them all soon. */
const WRITE_EVERY_MS = 50;

const postgres = backendsHere().find(({ name }) => name === "PostgreSQL");

if (postgres !== undefined) {
  faultTest(
    "R62 a projection over PostgreSQL whose processes are killed at any of their statements has each event once",
    { quick: 1, soak: 12 },
    async ({ rounds, size, random, integer, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using created = await postgres.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        const start = (config: Pick<ProjectingConfig, "version" | "batchSize" | "killAt">) => {
          const whole: ProjectingConfig = { ...config, address, leaseMs: LEASE_MS, isInline: random() < 0.3 };
          return startFixture("projecting-process.ts", { args: [JSON.stringify(whole)] });
        };
        for (let kill = 0; kill < KILLS[size]; kill += 1) {
          const version = kill < KILLS[size] / 2 ? 1 : 2;
          await using killed = start({ version, batchSize: integer(1, 40), killAt: integer(1, MAX_STATEMENTS) });
          while ((await Promise.race([killed.ended, delay(WRITE_EVERY_MS)])) === undefined) {
            await deposit(streams, integer(1, 9));
          }
          expect((await killed.ended).exitCode).toBe(null);
          count("kills");
        }
        await using _last = start({ version: 2 });
        const last = await deposit(streams, integer(1, 9));
        await whenProcessed(streams, "sums", last, { timeoutMs: 50_000 });
        expect(await sumsOfTable(streams)).toEqual(await sumsOfEvents(streams));
        count("events", last);
      }
    },
  );
}
