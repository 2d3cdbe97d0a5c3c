import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type SQLiteStreamFactory, sql } from "../../../index.js";
import { whenProcessed } from "../../../projections.js";
import type { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { ProjectingConfig } from "../fixtures/projecting-process.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

const STREAMS = 20;
const PROCESSES = 3;
const LEASE_MS = 600;

faultTest(
  "R60 a projection whose processes are killed and stopped has each event once, also while another version is built",
  { quick: 2, soak: 40 },
  async ({ rounds, integer, random, count }) => {
    for (let round = 0; round < rounds; round += 1) {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = await sqliteStreamFactory(path);
      let version = 1;
      const start = () => {
        const config: ProjectingConfig = { path, leaseMs: LEASE_MS, version, isInline: random() < 0.3 };
        return startFixture("projecting-process.ts", { args: [JSON.stringify(config)] });
      };
      const processes: NodeProcess[] = [];
      let last = 0;
      try {
        for (let step = 0; step < 6; step += 1) {
          if (step === 3) version = 2;
          while (processes.length < PROCESSES) processes.push(start());
          for (let write = 0; write < 20; write += 1) last = await deposit(streams, integer(1, 9));
          await processes.at(-1)?.ready();
          await expectNoLess(streams);
          await delay(integer(0, 300));
          const [chosen] = processes.splice(integer(0, processes.length - 1), 1);
          if (random() < 0.4) {
            chosen?.signal("SIGSTOP");
            await delay(2 * LEASE_MS);
            chosen?.signal("SIGCONT");
            if (chosen !== undefined) processes.push(chosen);
            count("stopped for longer than the lease", 1);
          } else {
            await chosen?.kill();
            count("kills", 1);
          }
        }
        while (processes.length < PROCESSES) processes.push(start());
        await whenProcessed(streams, "sums", last, { timeoutMs: 50_000 });
      } finally {
        for (const process of processes) await process.kill();
      }
      const expected = await sumsOfEvents(streams);
      expect(await sumsOfTable(streams)).toEqual(expected);
      count("events", last);
    }
  },
);

async function deposit(streams: SQLiteStreamFactory, amount: number): Promise<number> {
  const writes = Array.from({ length: STREAMS }, (_, index) => ({
    streamId: `s-${index}`,
    events: { type: "Deposited", data: { amount } },
  }));
  return (await streams.writeAll(writes)).at(-1)?.position ?? 0;
}

/** Readers see the tables of one version or the other, and never none. */
async function expectNoLess(streams: SQLiteStreamFactory): Promise<void> {
  const rows = await streams.query(sql`SELECT count(*) AS n FROM sums`);
  expect(rows).toHaveLength(1);
}

async function sumsOfEvents(streams: SQLiteStreamFactory): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  await using all = await streams.openStream<{ type: "Deposited"; data: { amount: number } }>("@all");
  for await (const { streamId, data } of all.read()) sums[streamId] = (sums[streamId] ?? 0) + data.amount;
  return sums;
}

async function sumsOfTable(streams: SQLiteStreamFactory): Promise<Record<string, number>> {
  const rows = await streams.query<{ id: string; n: number }>(sql`SELECT id, n FROM sums`);
  return Object.fromEntries(rows.map(({ id, n }) => [id, n]));
}
