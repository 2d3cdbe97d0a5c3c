import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { CONSUMER_GROUPS_SPACE } from "../../../src/administration/reserved-spaces.js";
import type { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import { recordOf } from "../../unit/consumers/support/lease-records.js";
import type { ConsumingConfig } from "../fixtures/consuming-process.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { createHandledTable, expectHandledOnce, handledInTable } from "../support/handled-once.js";
import { type EitherStore, openStoreAt } from "../support/store-address.js";

/** The numbers of partitions, one after the other, each with a restart of all processes. */
const PARTITIONS = [4, 6, 2];
const PROCESSES = { quick: 2, soak: 3 };
const STREAMS = 20;
const LEASE_MS = 600;
const PATIENCE = { timeout: 50_000, interval: 20 };
const WRITE_EVERY_MS = 20;
/** So many events wait to be handled at most. */
const MAX_BEHIND = 200;
/** How many events are handled with each number, at least. */
const EVENTS_A_NUMBER = { quick: 40, soak: 500 };
/** Who fills the store waits for its turn behind all of the processes. */
const BUSY_TIMEOUT_MS = 30_000;

/** Writes an event to each stream, again and again, as long as not too many wait. @returns how many events */
async function writeUntil(streams: EitherStore, signal: AbortSignal): Promise<number> {
  let events = 0;
  for (let round = 0; !signal.aborted; round += 1) {
    await streams.writeAll(
      Array.from({ length: STREAMS }, (_, index) => ({
        streamId: `s-${index}`,
        events: { type: "Numbered", data: round },
      })),
    );
    events += STREAMS;
    do await delay(WRITE_EVERY_MS);
    while (!signal.aborted && (await handledInTable(streams)) < events - MAX_BEHIND);
  }
  return events;
}

const partitionsOf = async (streams: EitherStore) =>
  (await recordOf(streams, CONSUMER_GROUPS_SPACE, "count"))?.partitions;

for (const backend of backendsHere()) {
  faultTest(
    `R56 a consumer over ${backend.name} handles each event once, while its partitions become 6 of 4, and 2 of 6, at restarts under load`,
    { quick: 1, soak: 10 },
    async ({ rounds, size, random, integer, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using folder = await createTempDir();
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address, { busyTimeoutMs: BUSY_TIMEOUT_MS });
        await createHandledTable(streams);
        const logPath = folder.file("unused.log");
        const writing = new AbortController();
        const written = writeUntil(streams, writing.signal);
        const running: NodeProcess[] = [];
        const end = async (process: NodeProcess): Promise<void> => {
          const isKilled = random() < 0.5;
          count(isKilled ? "kills" : "stops");
          await (isKilled ? process.kill() : process.finish());
        };
        try {
          for (const partitions of PARTITIONS) {
            const config: ConsumingConfig = { address, logPath, mode: "transact", leaseMs: LEASE_MS, partitions };
            const former = running.splice(0);
            // A deploy ends the former processes before the new ones, or beside them.
            const isRolling = random() < 0.5;
            if (!isRolling) await Promise.all(former.map(end));
            for (let process = 0; process < PROCESSES[size]; process += 1) {
              running.push(startFixture("consuming-process.ts", { args: [JSON.stringify(config)] }));
              const gone = isRolling ? former.pop() : undefined;
              if (gone === undefined) continue;
              await delay(integer(0, 200));
              await end(gone);
            }
            await Promise.all(running.map((process) => process.ready()));
            await expect.poll(() => partitionsOf(streams), PATIENCE).toBe(partitions);
            const before = await handledInTable(streams);
            await expect.poll(() => handledInTable(streams), PATIENCE).toBeGreaterThan(before + EVENTS_A_NUMBER[size]);
          }
          writing.abort();
          const events = await written;
          await expect.poll(() => handledInTable(streams), PATIENCE).toBeGreaterThanOrEqual(events);
          await expectHandledOnce(streams, events);
          count("events", events);
        } finally {
          writing.abort();
          await written;
          for (const process of running) await process.kill();
        }
      }
    },
  );
}
