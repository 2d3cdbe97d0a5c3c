import { afterEach, expect, test, vi } from "vitest";
import { type PostgresOptions, postgresStreamFactory } from "../../../postgres.js";
import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import { collect, eventsOf } from "../../conformance/support/collect.js";
import { Observation } from "../../conformance/support/observation.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_STANDBY, PostgresServer } from "../../support/postgres-server.js";
import { ownSchemas } from "../../support/postgres-stores.js";

vi.setConfig({ testTimeout: 120_000 });

const TIMEOUT = { timeout: 60_000 };

/** Longer than a replica that failed is left alone, as it may where the machine is slow. */
const REST_MS = 6_000;

const now = performance.now.bind(performance);
let skippedMs = 0;

/** Lets a replica that failed be asked again: the clock jumps. */
function endRest(): void {
  skippedMs += REST_MS;
  vi.spyOn(performance, "now").mockImplementation(() => now() + skippedMs);
}

afterEach(() => {
  vi.restoreAllMocks();
  skippedMs = 0;
});

async function write(streams: StreamFactory, data: number): Promise<void> {
  await using stream = await streams.openStream("a");
  await stream.write({ type: "Written", data });
}

async function openPair() {
  const primary = await PostgresServer.start();
  const standby = await PostgresServer.startStandby(primary);
  const schemas = ownSchemas();
  const options: PostgresOptions = { ...schemas, replica: standby.url() };
  const dispose = async (): Promise<void> => {
    await standby[Symbol.asyncDispose]();
    await primary[Symbol.asyncDispose]();
  };
  const has = (count: number) =>
    expect
      .poll(
        () =>
          standby.query(`SELECT count(*)::int AS count FROM ${schemas.schema}.es_events`).then(
            ({ rows }) => rows[0].count,
            () => null,
          ),
        TIMEOUT,
      )
      .toBe(count);
  return { primary, standby, schemas, options, has, [Symbol.asyncDispose]: dispose };
}

if (NO_STANDBY === null) {
  test("reads come from the replica, and never show less than the factory has seen", async () => {
    await using pair = await openPair();
    const { primary, standby, schemas, options, has } = pair;
    await using streams = await postgresStreamFactory(primary.url(), options);
    await using other = await postgresStreamFactory(primary.url(), schemas);
    for (const number of wholeNumbers(1, 30)) {
      await write(streams, number);
      expect((await eventsOf(await streams.openStream("a"))).length).toBe(number);
    }
    await has(30);
    await standby.query("SELECT pg_wal_replay_pause()");
    await write(other, 31);
    // It has not seen the last one, and reads where it is not yet.
    endRest();
    await using stream = await streams.openStream("a");
    expect(stream.version).toBe(30);
    expect((await stream.metrics()).currentVersion).toBe(30);
    expect((await collect(stream.read())).length).toBe(30);

    // Once it has, whatever the replica lacks is read from the primary.
    expect(await stream.write([])).toMatchObject({ version: 31 });
    await write(streams, 32);
    expect((await collect(stream.read())).map(({ data }) => data)).toEqual(wholeNumbers(1, 32));
    expect((await streams.openStream(ALL_STREAM)).version).toBe(32);

    await standby.query("SELECT pg_wal_replay_resume()");
    await has(32);
    await standby.query("SELECT pg_wal_replay_pause()");
    await write(other, 33);
    endRest();
    expect((await stream.metrics()).currentVersion).toBe(32);
  });

  test("watches over a replica that lags deliver everything once and in order", async () => {
    await using pair = await openPair();
    const { primary, standby, options, schemas } = pair;
    await using streams = await postgresStreamFactory(primary.url(), { ...options, pollIntervalMs: 20 });
    await using other = await postgresStreamFactory(primary.url(), schemas);
    await using all = await streams.openStream(ALL_STREAM);
    const observations = [new Observation(all.watch({ after: 0 }))];
    for (const number of wholeNumbers(1, 60)) {
      await write(number % 2 === 0 ? streams : other, number);
      if (number % 20 === 10) await standby.query("SELECT pg_wal_replay_pause()");
      if (number % 20 === 0) await standby.query("SELECT pg_wal_replay_resume()");
      if (number % 15 === 0) observations.push(new Observation(all.watch({ after: 0 })));
    }
    for (const observation of observations) {
      await expect.poll(() => observation.events.map(({ position }) => position), TIMEOUT).toEqual(wholeNumbers(1, 60));
      expect(observation.errors).toEqual([]);
      observation.unsubscribe();
    }
  });

  test("a replica that is frozen, stopped or never there holds up no read", async () => {
    await using pair = await openPair();
    const { primary, standby, schemas, options, has } = pair;
    await using streams = await postgresStreamFactory(primary.url(), options);
    await write(streams, 1);
    await has(1);
    expect((await eventsOf(await streams.openStream("a"))).length).toBe(1);

    await standby.pause();
    const reads = await Promise.all(
      wholeNumbers(1, 20).map(async () => (await eventsOf(await streams.openStream("a"))).length),
    );
    expect(reads).toEqual(wholeNumbers(1, 20).map(() => 1));
    await standby.resume();
    await standby.kill();
    await write(streams, 2);
    expect((await eventsOf(await streams.openStream("a"))).length).toBe(2);
    await using nowhere = await postgresStreamFactory(primary.url(), {
      ...schemas,
      replica: "postgresql://postgres@127.0.0.1:1/postgres",
    });
    expect((await eventsOf(await nowhere.openStream("a"))).length).toBe(2);
  });

  test("what a replica has shown before its commit was over is shown by the primary too", async () => {
    await using pair = await openPair();
    const { primary, standby, schemas, options, has } = pair;
    await using streams = await postgresStreamFactory(primary.url(), options);
    await using other = await postgresStreamFactory(primary.url(), schemas);
    await write(streams, 1);
    await has(1);
    // The commit waits for a standby that there is not.
    await primary.query("ALTER SYSTEM SET synchronous_standby_names TO 'nobody'");
    await primary.query("SELECT pg_reload_conf()");
    await expect
      .poll(async () => (await primary.query("SHOW synchronous_standby_names")).rows[0])
      .toEqual({
        synchronous_standby_names: "nobody",
      });
    const writing = write(other, 2);
    await has(2);
    endRest();
    await using stream = await streams.openStream("a");
    expect(stream.version).toBe(2);

    // Not killed: its sessions may still answer for a moment when the server itself has ended.
    await standby.pause();
    const reading = collect(stream.read());
    const waiting = "SELECT count(*)::int AS count FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    await expect.poll(async () => (await primary.query(waiting)).rows[0].count, TIMEOUT).toBeGreaterThan(0);
    await primary.query("ALTER SYSTEM RESET synchronous_standby_names");
    await primary.query("SELECT pg_reload_conf()");
    expect((await reading).map(({ data }) => data)).toEqual([1, 2]);
    await writing;
  });

  test("a replica of another store is not read from", async () => {
    await using pair = await openPair();
    const { primary, schemas } = pair;
    await using other = await PostgresServer.start();
    await using there = await postgresStreamFactory(other.url(), schemas);
    await write(there, 1);
    await using streams = await postgresStreamFactory(primary.url(), { ...schemas, replica: other.url() });

    expect((await streams.openStream("a")).version).toBe(0);
    await write(streams, 2);
    expect((await eventsOf(await streams.openStream("a"))).map(({ data }) => data)).toEqual([2]);
  });
} else {
  test(NO_STANDBY, () => undefined);
}
