import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { Pool } from "pg";
import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { ALL_STREAM, type StoredEvent } from "../../../protocols/index.js";
import { projectToMemory } from "../../../src/projections/index.js";
import { sql } from "../../../src/transaction/sql-statement.js";
import { collect, take } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { Observation } from "../../conformance/support/observation.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

const numbersOf = (events: readonly StoredEvent[]): unknown[] => events.map(({ data }) => data);

if (NO_POSTGRES === null) {
  const server = sharedServer();

  test("watches wait for a server that is away for longer than connectTimeoutMs, and miss nothing", async () => {
    const started = await server();
    const schemas = ownSchemas();
    const waits = new Map<unknown, number>();
    const listener = (message: unknown): void => {
      const { kind, streamId, attempts } = message as { kind: string; streamId: string; attempts: number };
      if (kind === "waiting") waits.set(streamId, attempts);
    };
    subscribe("async-streams:watch", listener);
    try {
      await using streams = await postgresStreamFactory(started.url(), {
        ...schemas,
        connectTimeoutMs: 100,
        pollIntervalMs: 50,
      });
      await using stream = await streams.openStream("a");
      await stream.write({ type: "Written", data: 1 });
      await using all = await streams.openStream(ALL_STREAM);
      const observation = new Observation(stream.watch({ after: 0 }));
      const taking = take(all.watch({ after: 0 }), 2);
      await expect.poll(() => numbersOf(observation.events)).toEqual([1]);

      await started.kill();
      await expect.poll(() => waits.get("a"), { timeout: 30_000 }).toBeGreaterThan(2);
      expect(observation.hasEnded).toBe(false);
      await started.restart();
      await using other = await postgresStreamFactory(started.url(), schemas);
      await (await other.openStream("a")).write({ type: "Written", data: 2 });

      await expect.poll(() => numbersOf(observation.events), { timeout: 30_000 }).toEqual([1, 2]);
      expect(numbersOf(await taking)).toEqual([1, 2]);
      observation.unsubscribe();
    } finally {
      unsubscribe("async-streams:watch", listener);
    }
  });

  test("reads and queries wait for a server that is away", async () => {
    const started = await server();
    await using streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), connectTimeoutMs: 60_000 });
    await using stream = await streams.openStream("a");
    await stream.write({ type: "Written", data: 1 });
    await streams.transaction(async (tx) => {
      await tx.sql.run(sql`CREATE TABLE numbers (number int)`);
      await tx.sql.run(sql`INSERT INTO numbers VALUES (${1})`);
    });

    await started.kill();
    const reading = Promise.all([streams.query(sql`SELECT number FROM numbers`), collect(stream.read())]);
    reading.catch(() => undefined);
    await started.restart();
    expect(await reading).toMatchObject([[{ number: 1 }], [{ data: 1 }]]);
  });

  test("a call that waits for a server that is away is aborted at once", async () => {
    const started = await server();
    const pool = new Pool({ connectionString: started.url() });
    pool.on("error", () => undefined);
    const streams = await postgresStreamFactory(pool, { ...ownSchemas(), connectTimeoutMs: 3_600_000 });
    const stream = await streams.openStream("a");
    await stream.write({ type: "Written", data: 1 });
    const event = { type: "Written", data: 2 };
    const calls: readonly ((signal: AbortSignal) => Promise<unknown>)[] = [
      (signal) => stream.write(event, { signal }),
      (signal) => streams.writeAll([{ streamId: "a", events: [event] }], { signal }),
      (signal) => streams.transaction((tx) => tx.write("a", event), { signal }),
      (signal) => collect(stream.read({ signal })),
      (signal) => streams.listStreams({ signal })[Symbol.asyncIterator]().next(),
      (signal) => streams.query(sql`SELECT 1`, { signal }),
    ];

    await started.kill();
    // The store has noticed it.
    await expect.poll(() => pool.totalCount).toBe(0);
    for (const call of calls) {
      const aborting = new AbortController();
      const failure = failureOf(call(aborting.signal));
      await new Promise((resolve) => setImmediate(resolve));
      aborting.abort(new Error("enough"));
      expect(await failure).toMatchObject({ message: "enough" });
    }
    await started.restart();
    await streams[Symbol.asyncDispose]();
    await pool.end();
  });

  test("a read model in memory waits for a server that is away, and misses nothing", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), {
      ...schemas,
      connectTimeoutMs: 100,
      pollIntervalMs: 50,
    });
    await (await streams.openStream("a")).write({ type: "Written", data: 1 });
    await using numbers = await projectToMemory<unknown[], StoredEvent>(streams, {
      name: "numbers",
      initial: () => [],
      evolve: (state, { data }) => [...state, data],
      snapshotEvery: 1,
    });
    expect(numbers.state).toEqual([1]);

    await started.kill();
    const reason = () => numbers.whenProcessed(2, { timeoutMs: 0 }).catch(({ message }: Error) => message);
    await expect.poll(reason, { timeout: 30_000 }).toContain("It waits, since it cannot read: ");
    await started.restart();
    await using other = await postgresStreamFactory(started.url(), schemas);
    const { position } = await (await other.openStream("a")).write({ type: "Written", data: 2 });
    await numbers.whenProcessed(position, { timeoutMs: 30_000 });
    expect(numbers.state).toEqual([1, 2]);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
