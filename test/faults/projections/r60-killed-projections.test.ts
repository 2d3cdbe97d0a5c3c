import { expect } from "vitest";
import { sql } from "../../../index.js";
import { whenProcessed } from "../../../projections.js";
import type { ProjectingConfig } from "../fixtures/projecting-process.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { killAndStop } from "../support/kills-and-stops.js";
import { type EitherStore, openStoreAt } from "../support/store-address.js";
import { deposit, sumsOfEvents, sumsOfTable } from "../support/sums-projection.js";

const BACKENDS = backendsHere();

const LEASE_MS = 600;

for (const backend of BACKENDS) {
  faultTest(
    `R60 a projection over ${backend.name} whose processes are killed and stopped has each event once, also while another version is built`,
    { quick: 2, soak: 6 },
    async (laboratory) => {
      const { rounds, integer, random, count } = laboratory;
      for (let round = 0; round < rounds; round += 1) {
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        let last = 0;
        await killAndStop(laboratory, {
          leaseMs: LEASE_MS,
          start(step) {
            const version = step < 3 ? 1 : 2;
            const config: ProjectingConfig = { address, leaseMs: LEASE_MS, version, isInline: random() < 0.3 };
            return startFixture("projecting-process.ts", { args: [JSON.stringify(config)] });
          },
          async work(newest) {
            for (let write = 0; write < 20; write += 1) last = await deposit(streams, integer(1, 9));
            await newest.ready();
            await expectNoLess(streams);
          },
          done: () => whenProcessed(streams, "sums", last, { timeoutMs: 50_000 }),
        });
        const expected = await sumsOfEvents(streams);
        expect(await sumsOfTable(streams)).toEqual(expected);
        count("events", last);
      }
    },
  );
}

/** Readers see the tables of one version or the other, and never none. */
async function expectNoLess(streams: EitherStore): Promise<void> {
  const rows = await streams.query(sql`SELECT count(*) AS n FROM sums`);
  expect(rows).toHaveLength(1);
}
