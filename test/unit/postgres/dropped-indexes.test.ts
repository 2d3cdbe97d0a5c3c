import { Client } from "pg";
import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

if (NO_POSTGRES === null) {
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
}
