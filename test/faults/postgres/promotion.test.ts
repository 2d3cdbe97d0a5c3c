import { Client } from "pg";
import { expect, test, vi } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { isStreamError, type StreamFactory } from "../../../protocols/index.js";
import { collect } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { Observation } from "../../conformance/support/observation.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_STANDBY, PostgresServer } from "../../support/postgres-server.js";
import { ownSchemas } from "../../support/postgres-stores.js";
import { CuttingProxy } from "../support/cutting-proxy.js";

vi.setConfig({ testTimeout: 120_000 });

const TIMEOUT = { timeout: 60_000 };

async function write(streams: StreamFactory, data: unknown): Promise<void> {
  await using stream = await streams.openStream("a");
  await stream.write({ type: "Written", data });
}

/** A server, its standby, and the address that leads to whichever of them is the primary. */
async function openPair() {
  const disposing: AsyncDisposable[] = [];
  const primary = await PostgresServer.start();
  disposing.push(primary);
  const standby = await PostgresServer.startStandby(primary);
  disposing.push(standby);
  const address = await CuttingProxy.start(primary.port);
  disposing.push(address);
  const failOver = async (): Promise<void> => {
    await primary.kill();
    address.targetPort = standby.port;
    address.cut();
    await standby.promote();
  };
  const dispose = async (): Promise<void> => {
    for (const one of disposing.reverse()) await one[Symbol.asyncDispose]();
  };
  return { primary, standby, address, url: address.url, failOver, [Symbol.asyncDispose]: dispose };
}

/** Waits until the standby has everything. */
async function caughtUp(primary: PostgresServer, standby: PostgresServer): Promise<void> {
  const { rows } = await primary.query("SELECT pg_current_wal_lsn()::text AS lsn");
  const has = async () =>
    (await standby.query("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS has", [rows[0].lsn])).rows[0].has;
  await expect.poll(has, TIMEOUT).toBe(true);
}

/** From here on nothing reaches the standby. */
async function cutOff(standby: PostgresServer): Promise<void> {
  await standby.query("ALTER SYSTEM SET primary_conninfo TO ''");
  await standby.query("SELECT pg_reload_conf()");
  const receivers = async () => (await standby.query("SELECT pid FROM pg_stat_wal_receiver")).rowCount;
  await expect.poll(receivers, TIMEOUT).toBe(0);
}

if (NO_STANDBY === null) {
  test("a watch goes on when a standby is promoted that has everything, and so do writers", async () => {
    await using pair = await openPair();
    const { primary, standby, url, failOver } = pair;
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(url, { ...schemas, connectTimeoutMs: 1_000 });
    for (const number of wholeNumbers(1, 5)) await write(streams, number);
    await using stream = await streams.openStream("a");
    const observation = new Observation(stream.watch({ after: 0 }));
    await expect.poll(() => observation.events.length).toBe(5);
    await caughtUp(primary, standby);

    await failOver();
    await using other = await postgresStreamFactory(standby.url(), schemas);
    await write(other, 6);
    await expect.poll(() => observation.events.map(({ data }) => data), TIMEOUT).toEqual(wholeNumbers(1, 6));
    await expect
      .poll(() => write(streams, 7).catch((error) => isStreamError(error, "STORAGE_UNAVAILABLE")), TIMEOUT)
      .toBe(undefined);
    await expect.poll(() => observation.events.at(-1)?.data, TIMEOUT).toBe(7);
    expect(observation.hasEnded).toBe(false);
    observation.unsubscribe();
  });

  test("a watch keeps no connection to a server that is still a standby", async () => {
    await using pair = await openPair();
    const { primary, standby, url, address } = pair;
    await using streams = await postgresStreamFactory(url, { ...ownSchemas(), connectTimeoutMs: 1_000 });
    await write(streams, 1);
    await caughtUp(primary, standby);
    await using stream = await streams.openStream("a");
    const observation = new Observation(stream.watch({ after: 0 }));
    await expect.poll(() => observation.events.length).toBe(1);
    const observer = new Client(standby.url());
    await observer.connect();
    await using _observer = { [Symbol.asyncDispose]: () => observer.end() };
    const count = async (query: string): Promise<number> => Number((await observer.query(query)).rows[0].count);

    address.targetPort = standby.port;
    address.cut();
    const sessions = () => count("SELECT sessions AS count FROM pg_stat_database WHERE datname = 'postgres'");
    const before = await sessions();
    // Some are refused by reads; most are refused as they listen.
    await expect.poll(async () => (await sessions()) - before, TIMEOUT).toBeGreaterThan(30);
    const kept = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'async-streams' AND state = 'idle'";
    expect(await count(kept)).toBeLessThan(5);
    observation.unsubscribe();
  });

  test("a writer fails when a standby is promoted that lacks a transaction without events", async () => {
    await using pair = await openPair();
    const { primary, standby, url, failOver } = pair;
    await using streams = await postgresStreamFactory(url, { ...ownSchemas(), connectTimeoutMs: 1_000 });
    await write(streams, 1);
    await caughtUp(primary, standby);
    await cutOff(standby);
    const put = (number: number) => streams.transaction((tx) => tx.records.put("settings", "limit", { number }));
    expect(await put(1)).toBe(1);

    await failOver();
    const codeOf = () =>
      put(2).then(
        () => "stored",
        (error: { readonly code: string }) => error.code,
      );
    await expect.poll(codeOf, TIMEOUT).toBe("STORAGE_WENT_BACK");
    expect(await failureOf(streams.openStream("a"))).toMatchObject({ code: "STORAGE_WENT_BACK" });
  });

  test.each([
    ["lacks acknowledged events", 0],
    ["lacks acknowledged events, and has grown past them", 20],
  ])("watches and writers fail when a standby is promoted that %s", async (_, later) => {
    await using pair = await openPair();
    const { primary, standby, url, failOver } = pair;
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(url, { ...schemas, connectTimeoutMs: 1_000 });
    await write(streams, 1);
    await using stream = await streams.openStream("a");
    const observation = new Observation(stream.watch({ after: 0 }));
    await caughtUp(primary, standby);
    await cutOff(standby);
    for (const number of wholeNumbers(2, 5)) await write(streams, number);
    await expect.poll(() => observation.events.length).toBe(5);

    await failOver();
    await using other = await postgresStreamFactory(standby.url(), schemas);
    for (const number of wholeNumbers(1, later)) await write(other, -number);

    await expect.poll(() => observation.errors, TIMEOUT).toMatchObject([{ code: "STORAGE_WENT_BACK" }]);
    expect(observation.events.map(({ data }) => data)).toEqual(wholeNumbers(1, 5));
    // A writer that remembers what is lost writes nothing, whatever it is told meanwhile.
    const codeOf = () =>
      stream.write({ type: "Decided", data: null }, { expectedVersion: 5 }).then(
        () => "stored",
        (error: { readonly code: string }) => error.code,
      );
    await expect.poll(codeOf, TIMEOUT).toBe("STORAGE_WENT_BACK");
    const events = await collect((await other.openStream("a")).read());
    expect(events.map(({ data }) => data)).toEqual([1, ...wholeNumbers(1, later).map((number) => -number)]);
  });
} else {
  test(NO_STANDBY, () => undefined);
}
