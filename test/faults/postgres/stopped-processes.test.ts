import { expect, test, vi } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { ALL_STREAM } from "../../../protocols/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES, NO_STANDBY, PostgresServer } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { startFixture } from "../support/fixture.js";
import { HoldingProxy } from "../support/holding-proxy.js";

vi.setConfig({ testTimeout: 120_000 });

/** How often a process is stopped, so that it is in the middle of a write at least once. */
const STOPS = 8;

if (NO_POSTGRES === null) {
  const server = sharedServer();

  test.each([
    ["appends", false],
    ["commits transactions", true],
  ])("others write while a process is stopped that %s", async (_, isTransacting) => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(url, schemas);
    await using stream = await streams.openStream("b");
    const config = { url, ...schemas, streamId: "a", isTransacting };
    await using writer = startFixture("postgres-writer.ts", { args: [JSON.stringify(config)] });
    await writer.ready();
    for (const stop of wholeNumbers(1, STOPS)) {
      const lines = writer.lines.length;
      await writer.waitFor(() => writer.lines.length > lines + stop);
      writer.signal("SIGSTOP");
      // It goes on after the write only.
      expect(await stream.write({ type: "Written", data: stop })).toMatchObject({ version: stop });
      writer.signal("SIGCONT");
    }
    const seen = writer.lines.length;
    await writer.waitFor(() => writer.lines.length > seen);
    await writer.kill();
    const events = await eventsOf(await streams.openStream("a"));
    // Its last write may be stored without its knowing.
    const versions = writer.lines.map(Number);
    expect(versions).toEqual(wholeNumbers(1, versions.length));
    expect(events.length - versions.length).toBeLessThan(2);
  });

  // So it is with a process that is stopped while it sends what no buffer takes at once.
  test("others write while only a part of a large write has arrived", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using proxy = await HoldingProxy.start(Number(new URL(started.url()).port));
    await using streams = await postgresStreamFactory(proxy.url, { ...schemas, commandTimeoutMs: 60_000 });
    await using others = await postgresStreamFactory(started.url(), { ...schemas, commandTimeoutMs: 2_000 });
    await using stream = await streams.openStream("a");
    for (const data of wholeNumbers(1, 10)) await stream.write({ type: "Written", data });
    const data = "x".repeat(1_000_000);

    proxy.holdAfter(data.length / 2);
    const writing = stream.write({ type: "Large", data });
    await expect.poll(() => proxy.isHolding).toBe(true);
    await using other = await others.openStream("b");
    expect(await other.write({ type: "Written", data: 1 })).toMatchObject({ version: 1 });

    proxy.release();
    expect(await writing).toMatchObject({ version: 11 });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}

if (NO_STANDBY === null) {
  test("a commit that waits for a frozen standby and is cancelled is never acknowledged", async () => {
    await using primary = await PostgresServer.start();
    await using standby = await PostgresServer.startStandby(primary);
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(primary.url(), { ...schemas, commandTimeoutMs: 2_000 });
    await using stream = await streams.openStream("a");
    await primary.query("ALTER SYSTEM SET synchronous_standby_names TO '*'");
    await primary.query("SELECT pg_reload_conf()");
    const isSynchronous = async () => (await primary.query("SELECT sync_state FROM pg_stat_replication")).rows;
    await expect.poll(isSynchronous, { timeout: 30_000 }).toEqual([{ sync_state: "sync" }]);
    await stream.write({ type: "Written", data: 1 });

    await standby.pause();
    const event = { type: "Written", data: 2, idempotencyKey: "two" };
    const writing = failureOf(stream.write(event));
    const cancel = `SELECT count(pg_cancel_backend(pid))::int AS count FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;
    await expect.poll(async () => (await primary.query(cancel)).rows[0].count).toBeGreaterThan(0);
    expect(await writing).toMatchObject({ code: "STORAGE_OUTCOME_UNKNOWN", retryable: true });
    // The lock is held while a commit waits.
    const committing = failureOf(streams.transaction((tx) => tx.write("b", { type: "Written", data: 3 })));
    expect(await committing).toMatchObject({ code: expect.stringMatching(/^STORAGE_(OUTCOME_UNKNOWN|LOCKED)$/) });

    await standby.resume();
    await expect.poll(() => stream.write(event).then(({ version }) => version)).toBe(2);
    const events = await eventsOf(await streams.openStream(ALL_STREAM));
    expect(events.filter(({ id }) => id === "two").length).toBe(1);
  });
} else if (NO_POSTGRES === null) {
  test(NO_STANDBY, () => undefined);
}
