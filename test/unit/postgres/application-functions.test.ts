import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { collect } from "../../conformance/support/collect.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  // The server takes the function whose types fit best, wherever in the path of the session it is.
  test("an append calls no function of the application's that has the name of one of the server's", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
    await started.query(`
      CREATE FUNCTION ${schemas.applicationSchema}.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$;
      CREATE FUNCTION ${schemas.applicationSchema}.concat_ws(text, bigint, bigint, bigint) RETURNS text LANGUAGE sql
        AS $$ SELECT '7 7 7' $$`);
    await using a = await streams.openStream("a");
    await using b = await streams.openStream("b");

    expect(await a.write({ type: "T", data: 1, idempotencyKey: "k" })).toMatchObject({ version: 1, position: 1 });
    expect(await b.write({ type: "T", data: 2, idempotencyKey: "l" })).toMatchObject({ version: 1, position: 2 });
    expect(await collect(a.read())).toMatchObject([{ data: 1 }]);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
