import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { consume, parked, retryParked } from "../../../src/consumers/index.js";
import type { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { ConsumingConfig } from "../fixtures/consuming-process.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { createHandledTable, expectHandledOnce, handledInTable } from "../support/handled-once.js";
import { killAndStop } from "../support/kills-and-stops.js";
import { type EitherStore, openStoreAt } from "../support/store-address.js";

const BACKENDS = backendsHere();

/** A soak run has eight processes, eight partitions, and ten thousand events. */
const PROCESSES = { quick: 3, soak: 8 };
const PARTITIONS = 8;
/**
 * After how many events each round writes its checkpoint: where each event is written down, only the last one may come again. Beside
 * other tests there are two rounds, so that each kind of store has one with `handle`.
 */
const CHECKPOINT_EVENTS = { SQLite: [1, 1, 100], PostgreSQL: [1, 100, 1] };
const STREAMS = { quick: 20, soak: 100 };
/** How many events each stream gets at each step. */
const EVENTS_A_STEP = { quick: 6, soak: 17 };
const DONE_WITHIN_MS = { quick: 50_000, soak: 300_000 };
const LEASE_MS = 600;
/** Who fills the store waits for its turn behind all of the processes. */
const BUSY_TIMEOUT_MS = 30_000;
const TYPES = ["Numbered"] as const;
const ATTEMPTS = { quick: 4, soak: 10 };

async function fill(streams: EitherStore, rounds: number, count = STREAMS.quick): Promise<number> {
  let last = 0;
  for (let round = 0; round < rounds; round += 1) {
    const writes = Array.from({ length: count }, (_, index) => ({
      streamId: `s-${index}`,
      events: [{ type: "Numbered", data: round }],
    }));
    last = (await streams.writeAll(writes)).at(-1)?.position ?? last;
  }
  return last;
}

/** How far a consumer is that others run: one more of it would take part. */
async function isDone(streams: EitherStore, config: ConsumingConfig, expected: number): Promise<boolean> {
  if (config.mode === "handle") return (await handledIn(config.logPath)) >= expected;
  return (await handledInTable(streams)) >= expected;
}

async function linesOf(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch(() => "");
  return text.split("\n").slice(0, -1);
}

/** An event that was handled several times counts as one. */
async function handledIn(path: string): Promise<number> {
  const events = (await linesOf(path)).map((line) => line.split(" ").slice(0, 2).join(" "));
  return new Set(events).size;
}

const start = (config: ConsumingConfig): NodeProcess =>
  startFixture("consuming-process.ts", { args: [JSON.stringify(config)] });

for (const backend of BACKENDS) {
  faultTest(
    `R50 consumers over ${backend.name} whose processes are killed and stopped handle each event in order, and with transact exactly once`,
    { quick: 2, soak: 3 },
    async (laboratory) => {
      const { rounds, size, integer, count } = laboratory;
      for (let round = 0; round < rounds; round += 1) {
        await using folder = await createTempDir();
        const mode = round === 0 ? "transact" : "handle";
        await using created = await backend.createAddress();
        const { address } = created;
        const logPath = folder.file("handled.log");
        await using streams = await openStoreAt(address, { busyTimeoutMs: BUSY_TIMEOUT_MS });
        await createHandledTable(streams);
        const checkpointEvents = CHECKPOINT_EVENTS[backend.name][round] ?? 1;
        const config = {
          address,
          logPath,
          mode,
          leaseMs: LEASE_MS,
          partitions: size === "soak" ? PARTITIONS : integer(1, PARTITIONS),
          checkpointEvents,
        } as const;
        let expected = 0;
        await killAndStop(laboratory, {
          leaseMs: LEASE_MS,
          processes: PROCESSES[size],
          start: () => start(config),
          async work(newest) {
            await fill(streams, EVENTS_A_STEP[size], STREAMS[size]);
            expected += EVENTS_A_STEP[size] * STREAMS[size];
            await newest.ready();
          },
          async done() {
            await expect
              .poll(() => isDone(streams, config, expected), { timeout: DONE_WITHIN_MS[size], interval: 100 })
              .toBe(true);
          },
        });
        if (mode === "transact") await expectHandledOnce(streams, expected);
        else expectInOrder(await linesOf(logPath), checkpointEvents);
        count("events", expected);
      }
    },
  );
}

/**
 * An event may come again, but then only from the last one on that was not written down, and in order. A process that was
 * stopped for longer than its lease may end what it had begun, so the order is that of each lease.
 */
function expectInOrder(lines: readonly string[], checkpointEvents: number): void {
  const highest = new Map<string, number>();
  const last = new Map<string, number>();
  const newest = new Map<string, number>();
  for (const line of lines) {
    const [stream = "", ...numbers] = line.split(" ");
    const [version = 0, token = 0] = numbers.map(Number);
    const lease = `${stream} ${token}`;
    // Nothing is passed over, and after a repeat the following ones come again in order.
    expect(version).toBeLessThanOrEqual((highest.get(stream) ?? 0) + 1);
    const before = last.get(lease);
    if (before !== undefined) expect(version).toBe(before + 1);
    // Where each event is written down, only the last one comes again.
    const isNext = token > (newest.get(stream) ?? 0);
    if (isNext && checkpointEvents === 1) expect(version).toBeGreaterThanOrEqual(highest.get(stream) ?? 0);
    newest.set(stream, Math.max(token, newest.get(stream) ?? 0));
    highest.set(stream, Math.max(version, highest.get(stream) ?? 0));
    last.set(lease, version);
  }
}

for (const backend of BACKENDS) {
  faultTest(
    `R51 an event that kills its process is parked after its attempts over ${backend.name}, and the others are handled`,
    { quick: 1, soak: 5 },
    async ({ rounds, size, count }) => {
      const attempts = ATTEMPTS[size];
      for (let round = 0; round < rounds; round += 1) {
        await using folder = await createTempDir();
        await using created = await backend.createAddress();
        const { address } = created;
        const logPath = folder.file("handled.log");
        await using streams = await openStoreAt(address);
        await (await streams.openStream("deadly")).write({ type: "Numbered", data: 0 });
        let head = await fill(streams, 2);
        const config: ConsumingConfig = {
          address,
          logPath,
          mode: "handle",
          leaseMs: 100,
          partitions: 1,
          deadlyStreamId: "deadly",
          attempts,
        };
        let starts = 0;
        /** Starts processes until one has outlived the deadly event, and this many others are handled. */
        const startUntilHandled = async (others: number): Promise<void> => {
          const limit = starts + attempts + 4;
          while ((await handledIn(logPath)) <= others) {
            starts += 1;
            expect(starts).toBeLessThan(limit);
            await using process = start(config);
            await Promise.race([
              process.ended,
              process
                .ready()
                .then(() => expect.poll(() => handledIn(logPath), { timeout: 20_000 }).toBeGreaterThan(others))
                .catch(() => undefined),
            ]);
          }
        };
        await startUntilHandled(2 * STREAMS.quick);
        expect(await list(parked(streams, "count"))).toMatchObject([{ streamId: "deadly", attempts }]);
        // As often when it is tried again.
        expect(await retryParked(streams, "count")).toBe(1);
        head = await fill(streams, 1);
        await startUntilHandled(3 * STREAMS.quick);
        expect(await list(parked(streams, "count"))).toMatchObject([{ streamId: "deadly", attempts: 2 * attempts }]);
        await using consumer = await consume(
          streams,
          { name: "count", types: TYPES, startFrom: "beginning", handle: async () => undefined },
          { leaseMs: 100 },
        );
        await consumer.whenProcessed(head);
        count("starts", starts);
      }
    },
  );
}

async function list<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
