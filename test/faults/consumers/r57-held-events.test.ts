import { expect } from "vitest";
import { CONSUMERS_SPACE } from "../../../src/administration/reserved-spaces.js";
import type { NodeProcess } from "../../support/node-process.js";
import { recordOf } from "../../unit/consumers/support/lease-records.js";
import { numbered } from "../../unit/consumers/support/stores.js";
import type { HoldingConfig } from "../fixtures/holding-process.js";
import { type Backend, backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { type EitherStore, openStoreAt } from "../support/store-address.js";

const BACKENDS = backendsHere();

const LEASE_MS = 600;
/** No lease ends in its time. */
const LONG_LEASE_MS = 600_000;
/** What a handler gets by default. Beside other tests a process waits for a core before it aborts. */
const DRAIN_MS = 5_000;
const MAX_LATE_MS = { quick: 3_000, soak: 500 };
/** How many stops there are beside each other over each kind of store: a slow machine holds up one or the other. */
const STOPS = { quick: 1, soak: 3 };
/** Beside other tests the processes wait for a core, which is nothing of ten minutes of lease. */
const MAX_TAKEOVER_MS = { quick: 1_000, soak: 100 };
const PATIENCE = { timeout: 50_000, interval: 20 };

const start = (config: HoldingConfig): NodeProcess =>
  startFixture("holding-process.ts", { args: [JSON.stringify(config)] });

/** When a process did each thing of a kind. */
const timesOf = ({ lines }: NodeProcess, kind: string): number[] =>
  lines.flatMap((line) => (line.startsWith(`${kind} `) ? [Number(line.slice(kind.length + 1))] : []));

const checkpointOf = async (streams: EitherStore) => (await recordOf(streams, CONSUMERS_SPACE, "held/0"))?.position;

for (const backend of BACKENDS) {
  faultTest(
    `R57 a process that was suspended for longer than its lease over ${backend.name} moves no checkpoint, neither back nor forward, and its signal is aborted`,
    { quick: 2, soak: 20 },
    async ({ rounds, integer, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        // The next owner is further than the suspended one, or still where that one was.
        const isAhead = round % 2 === 0;
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        const stream = await streams.openStream("a");
        await using zombie = start({ address, leaseMs: LEASE_MS, atAbort: "succeed" });
        await zombie.ready();
        await stream.write(numbered(1));
        await zombie.waitFor(() => timesOf(zombie, "begun").length === 1);
        zombie.signal("SIGSTOP");
        await using heir = start({ address, leaseMs: LEASE_MS, ...(isAhead ? {} : { atAbort: "succeed" }) });
        await heir.ready();
        const { position } = await stream.write(Array.from({ length: integer(1, 9) }, (_, index) => numbered(index)));
        const events = isAhead ? position : 1;
        await heir.waitFor(() => timesOf(heir, "begun").length === events);
        const checkpoint = isAhead ? position : 0;
        await expect.poll(() => checkpointOf(streams), PATIENCE).toBe(checkpoint);

        zombie.signal("SIGCONT");
        await zombie.waitFor(() => timesOf(zombie, "aborted").length === 1);
        await zombie.finish();
        expect(timesOf(zombie, "begun")).toHaveLength(1);
        expect(await checkpointOf(streams)).toBe(checkpoint);
        count(isAhead ? "next owners that were ahead" : "next owners that were not ahead");
      }
    },
  );
}

faultTest(
  "R57 a stop gives a slow handler 5 seconds, and the next process goes on at once after the abort",
  { quick: 1, soak: 5 },
  async ({ rounds, size, count }) => {
    for (let round = 0; round < rounds; round += 1) {
      const stops = BACKENDS.flatMap((backend) => Array.from({ length: STOPS[size] }, () => backend));
      const takeovers = await Promise.all(
        stops.map(async (backend) => ({ backend, ms: await stopInMidEvent(backend, MAX_LATE_MS[size]) })),
      );
      for (const backend of BACKENDS) {
        const ofBackend = takeovers.flatMap((takeover) => (takeover.backend === backend ? [takeover.ms] : []));
        expect(Math.min(...ofBackend)).toBeLessThan(MAX_TAKEOVER_MS[size]);
      }
      count("stops", stops.length);
    }
  },
);

/** @returns how long after the abort the next process begins with the event */
async function stopInMidEvent(backend: Backend, maxLateMs: number): Promise<number> {
  await using created = await backend.createAddress();
  const { address } = created;
  await using streams = await openStoreAt(address);
  await using slow = start({ address, leaseMs: LONG_LEASE_MS, atAbort: "fail" });
  await slow.ready();
  await using next = start({ address, leaseMs: LONG_LEASE_MS });
  await next.ready();
  await (await streams.openStream("a")).write(numbered(1));
  await slow.waitFor(() => timesOf(slow, "begun").length === 1);
  await slow.finish();
  await next.waitFor(() => timesOf(next, "begun").length === 1);
  const [[stoppingMs = 0], [abortedMs = 0], [begunMs = 0]] = [
    timesOf(slow, "stopping"),
    timesOf(slow, "aborted"),
    timesOf(next, "begun"),
  ] as [number[], number[], number[]];
  // Timers may fire a little early.
  expect(abortedMs - stoppingMs).toBeGreaterThan(DRAIN_MS - 50);
  expect(abortedMs - stoppingMs).toBeLessThan(DRAIN_MS + maxLateMs);
  return begunMs - abortedMs;
}
