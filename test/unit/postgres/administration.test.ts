import { Client } from "pg";
import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import type { CandidateEvent } from "../../../protocols/index.js";
import { eventsOf } from "../../conformance/support/collect.js";
import { failureOf, outcomesOf } from "../../conformance/support/failure-of.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, type StoreSchemas, sharedServer } from "../../support/postgres-stores.js";

const counted = (count: number): CandidateEvent[] => wholeNumbers(1, count).map((data) => ({ type: "Counted", data }));
const keyed = (number: number): CandidateEvent => ({ type: "Paid", data: { number }, idempotencyKey: `key-${number}` });

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const open = async (schemas: StoreSchemas = ownSchemas(), user = "postgres") => {
    const url = (await server()).url().replace("postgres@", `${user}@`);
    return postgresStreamFactory(url, { ...schemas, durability: "normal", create: user === "postgres" });
  };

  test("more keys than one transaction takes are forgotten", async () => {
    const schemas = ownSchemas();
    await using streams = await open(schemas);
    const stream = await streams.openStream("a");
    await stream.write([...wholeNumbers(1, 600).map(keyed), ...counted(1)]);
    await streams.pruneStream("a", { before: 601 });
    expect(await stream.write(keyed(600))).toMatchObject({ version: 600, written: 0 });
    await streams.deleteStream("a");
    const { rows } = await (await server()).query(`SELECT count(*)::int AS keys FROM ${schemas.schema}.es_keys`);
    expect(rows).toEqual([{ keys: 0 }]);
  });

  test("of a stream that is deleted no snapshot stays, whoever saves one meanwhile", async () => {
    const schemas = ownSchemas();
    await using ours = await open(schemas);
    await using theirs = await open(schemas);
    for (const round of wholeNumbers(1, 10)) {
      const id = `race-${round}`;
      await (await ours.openStream(id)).write(counted(3));
      const stream = await theirs.openStream(id);
      const saving = wholeNumbers(1, 3).map((version) => stream.snapshot(1, { version, projection: `p${version}` }));
      const { errors } = await outcomesOf<unknown>([...saving, ours.deleteStream(id)]);
      for (const error of errors) expect(error).toMatchObject({ code: "STREAM_DELETED" });
    }
    const { rows } = await (await server()).query(
      `SELECT count(*)::int AS snapshots FROM ${schemas.schema}.es_snapshots`,
    );
    expect(rows).toEqual([{ snapshots: 0 }]);
  });

  test("space of removed events is given back beside a store that is used", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    // The events at the end of the table, so that there are pages to be given back.
    await stream.write(counted(1));
    await (await streams.openStream("b")).write(
      wholeNumbers(1, 2_000).map(() => ({ type: "Filled", data: "x".repeat(1_000) })),
    );
    await streams.deleteStream("b");
    const progress: unknown[] = [];
    const reclaiming = streams.reclaim({ onProgress: (made) => progress.push(made) });
    await stream.write(counted(20));
    const { freedBytes } = await reclaiming;
    expect(progress).toEqual([{ freedBytes, freeBytes: 0 }]);
    expect(await eventsOf(stream)).toHaveLength(21);
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("a disposal gives up what reclaims space when that takes too long", async () => {
    const schemas = ownSchemas();
    const started = await server();
    const streams = await postgresStreamFactory(started.url(), {
      ...schemas,
      commandTimeoutMs: 500,
      durability: "normal",
    });
    await (await streams.openStream("a")).write(counted(5));
    const holder = new Client(started.url());
    await holder.connect();
    try {
      await holder.query(`BEGIN; LOCK TABLE ${schemas.schema}.es_snapshots IN SHARE UPDATE EXCLUSIVE MODE`);
      const failure = failureOf(streams.reclaim());
      await streams[Symbol.asyncDispose]();
      expect(await failure).toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    } finally {
      await holder.query("ROLLBACK");
      await holder.end();
    }
  });

  test("a role needs DELETE on events to remove them, and to own the tables to vacuum them", async () => {
    const schemas = ownSchemas();
    const { schema } = schemas;
    await using owners = await open(schemas);
    await (await owners.openStream("a")).write(counted(5));
    const started = await server();
    await started.query(`
      CREATE ROLE clerk LOGIN;
      GRANT USAGE ON SCHEMA ${schema} TO clerk;
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO clerk;
      REVOKE DELETE ON ${schema}.es_events FROM clerk`);
    {
      await using streams = await open(schemas, "clerk");
      expect(await (await streams.openStream("a")).write(counted(1))).toMatchObject({ version: 6 });
      const denied = { code: "STORAGE_PERMISSION_DENIED", message: expect.stringContaining('stream "a"') };
      expect(await failureOf(streams.pruneStream("a", { before: 3 }))).toMatchObject(denied);
      expect(await streams.describeStream("a")).toMatchObject({ firstVersion: 1, eventCount: 6 });
      expect(await failureOf(streams.reclaim())).toMatchObject({
        code: "STORAGE_PERMISSION_DENIED",
        message: expect.stringContaining("autovacuum"),
      });
      await started.query(`GRANT DELETE ON ${schema}.es_events TO clerk`);
      expect(await streams.pruneStream("a", { before: 3 })).toMatchObject({ firstVersion: 3, removedEvents: 2 });
      expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
    }
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
