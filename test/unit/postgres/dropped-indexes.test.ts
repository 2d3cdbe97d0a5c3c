import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { NO_POSTGRES, type ServerSettings, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

/** A server that begins at once to vacuum what grows. */
const VACUUMING: ServerSettings = { ...THROWAWAY, autovacuum: "on", autovacuum_naptime: "1s" };

if (NO_POSTGRES === null) {
  const vacuumingServer = sharedServer(VACUUMING);
  const server = sharedServer(THROWAWAY);

  test("an index that is no longer named is dropped by the first opening that no reader of events holds up", async () => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    const open = (indexes?: readonly "type"[]) =>
      postgresStreamFactory(url, { ...schemas, durability: "normal", indexes });
    const client = new Client(url);
    await client.connect();
    const countIndexes = async () => {
      const text =
        "SELECT count(*)::int AS count FROM pg_indexes WHERE schemaname = $1 AND indexname LIKE 'es_index_%'";
      return (await client.query<{ count: number }>(text, [schemas.schema])).rows[0]?.count;
    };
    await (await open(["type"]))[Symbol.asyncDispose]();
    const built = await countIndexes();
    expect(built).toBeGreaterThan(0);
    await client.query(`BEGIN; SELECT FROM ${schemas.schema}.es_events`);

    {
      await using streams = await open();
      await (await streams.openStream("a")).write({ type: "A", data: 1 });
    }
    expect(await countIndexes()).toBe(built);

    await client.query("COMMIT");
    await (await open())[Symbol.asyncDispose]();
    expect(await countIndexes()).toBe(0);
    await client.end();
  });

  test("an opening that must wait for others before it builds an index keeps no writer waiting", async () => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    const options = { ...schemas, durability: "normal" } as const;
    await using streams = await postgresStreamFactory(url, options);
    const stream = await streams.openStream("a");
    const vacuuming = new Client(url);
    await vacuuming.connect();
    await vacuuming.query(`BEGIN; LOCK TABLE ${schemas.schema}.es_events IN SHARE UPDATE EXCLUSIVE MODE`);
    const waiting = async () => {
      const text = "SELECT FROM pg_locks WHERE NOT granted AND relation = $1::regclass";
      return (await vacuuming.query(text, [`${schemas.schema}.es_events`])).rowCount;
    };

    const opening = postgresStreamFactory(url, { ...options, indexes: ["type"] });
    await expect.poll(waiting, { interval: 10 }).toBe(1);
    await stream.write({ type: "A", data: 1 });
    await vacuuming.query("COMMIT");

    await using _ = await opening;
    const { rowCount } = await vacuuming.query(
      "SELECT FROM pg_indexes WHERE schemaname = $1 AND indexname LIKE 'es_index_%'",
      [schemas.schema],
    );
    expect(rowCount).toBeGreaterThan(0);
    await vacuuming.end();
  });

  test("an opening that builds an index does not wait for an autovacuum, which takes long", async () => {
    const started = await vacuumingServer();
    const schemas = ownSchemas();
    const options = { ...schemas, durability: "normal" } as const;
    await using streams = await postgresStreamFactory(started.url(), options);
    const stream = await streams.openStream("a");
    const table = `${schemas.schema}.es_events`;
    await started.query(`ALTER TABLE ${table} SET (autovacuum_vacuum_insert_threshold = 10,
      autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1)`);
    const text = randomBytes(900).toString("hex");
    await stream.write(Array.from({ length: 1_000 }, () => ({ type: "A", data: text })));
    const vacuuming = async () => {
      const found = "SELECT FROM pg_stat_activity WHERE backend_type = 'autovacuum worker' AND query LIKE $1";
      return (await started.query(found, [`%${table}%`])).rowCount;
    };
    await expect.poll(vacuuming, { timeout: 40_000 }).toBe(1);

    await using _ = await postgresStreamFactory(started.url(), { ...options, indexes: ["type"] });
  });
}
