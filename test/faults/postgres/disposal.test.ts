import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { ALL_STREAM } from "../../../protocols/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

if (NO_POSTGRES === null) {
  const server = sharedServer();
  const CONNECTIONS = "SELECT count(*)::int FROM pg_stat_activity WHERE application_name = 'async-streams'";

  test("a disposal finishes what was accepted", async () => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    const streams = await postgresStreamFactory(url, schemas);
    const stream = await streams.openStream("a");
    const writes = wholeNumbers(1, 200).map((data) => stream.write({ type: "Written", data }));
    const committing = streams.transaction((tx) => tx.write("b", { type: "Written", data: 201 }));
    await streams[Symbol.asyncDispose]();

    await Promise.all([...writes, committing]);
    await using reopened = await postgresStreamFactory(url, schemas);
    const events = await eventsOf(await reopened.openStream(ALL_STREAM));
    expect(events.map(({ data }) => data)).toEqual(wholeNumbers(1, 201));
  });

  test("a disposal while the server is frozen ends in time, and says what it could not finish", async () => {
    const started = await server();
    const streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), commandTimeoutMs: 500 });
    const stream = await streams.openStream("a");
    await stream.write({ type: "Written", data: 1 });
    stream.watch().subscribe({ error: () => undefined });
    await started.pause();
    try {
      const sent = failureOf(stream.write({ type: "Written", data: 2 }));
      await new Promise((resolve) => setImmediate(resolve));
      const waiting = failureOf(streams.transaction((tx) => tx.write("b", { type: "Written", data: 3 })));
      const reading = failureOf(stream.metrics());
      const disposal = failureOf(streams[Symbol.asyncDispose]());

      expect(await disposal).toMatchObject({
        code: "STORAGE_OUTCOME_UNKNOWN",
        message: expect.stringMatching(/2 of its calls.*write to stream "a", run a transaction/),
      });
      expect(await sent).toMatchObject({
        code: "STORAGE_OUTCOME_UNKNOWN",
        message: expect.stringContaining('Cannot write to stream "a" in postgresql:'),
      });
      expect(await waiting).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
      expect(await reading).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
      await failureOf(streams[Symbol.asyncDispose]());
    } finally {
      await started.resume();
    }
  });

  test("a write that is aborted when it was sent says that it may be stored where a disposal gives it up", async () => {
    const started = await server();
    const streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), commandTimeoutMs: 500 });
    const stream = await streams.openStream("a");
    await started.pause();
    try {
      const aborting = new AbortController();
      const sent = failureOf(stream.write({ type: "Written", data: 1 }, { signal: aborting.signal }));
      // In the second one it is sent for certain.
      for (let turn = 0; turn < 2; turn += 1) await nextTurn();
      aborting.abort(new Error("enough"));

      expect(await failureOf(streams[Symbol.asyncDispose]())).toMatchObject({ code: "STORAGE_OUTCOME_UNKNOWN" });
      expect(await sent).toMatchObject({ code: "STORAGE_OUTCOME_UNKNOWN" });
    } finally {
      await started.resume();
    }
  });

  test("a disposal leaves no connection that was being made for a read", async () => {
    const started = await server();
    const streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), commandTimeoutMs: 300 });
    const { count: before } = (await started.query(CONNECTIONS)).rows[0];
    expect(before).toBeGreaterThan(0);
    await started.pause();
    let querying: Promise<unknown>;
    try {
      querying = failureOf(streams.query(sql`SELECT 1`));
      await streams[Symbol.asyncDispose]();
    } finally {
      await started.resume();
    }
    expect(await querying).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    await expect.poll(async () => (await started.query(CONNECTIONS)).rows[0].count).toBe(0);
  });

  test("a callback that goes on for ever ends with the disposal, and nothing of it is stored", async () => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    const streams = await postgresStreamFactory(url, { ...schemas, commandTimeoutMs: 300 });
    let hasBegun = false;
    const hanging = failureOf(
      streams.transaction(
        async (tx) => {
          await tx.write("a", { type: "Written", data: 1 });
          hasBegun = true;
          return new Promise(() => undefined);
        },
        { timeoutMs: 60_000 },
      ),
    );
    await expect.poll(() => hasBegun).toBe(true);

    expect(await failureOf(streams[Symbol.asyncDispose]())).toMatchObject({ name: "StorageError" });
    expect(await hanging).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    await using reopened = await postgresStreamFactory(url, schemas);
    expect(await eventsOf(await reopened.openStream(ALL_STREAM))).toEqual([]);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
