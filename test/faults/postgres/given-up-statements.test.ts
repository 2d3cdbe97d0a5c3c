import { expect, test, vi } from "vitest";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

vi.setConfig({ testTimeout: 120_000 });

if (NO_POSTGRES === null) {
  const server = sharedServer();

  test("a statement that outlives the wait for its answer does not hold up the writers until its end", async () => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(url, { ...schemas, commandTimeoutMs: 500 });
    await using others = await postgresStreamFactory(url, schemas);

    const sleeping = streams.transaction(
      async (tx) => {
        await tx.sql.run(sql`SELECT set_config('statement_timeout', '10min', true)`);
        await tx.sql.run(sql`SELECT pg_sleep(600)`);
      },
      { timeoutMs: 60_000 },
    );
    expect(await failureOf(sleeping)).toMatchObject({ code: "STORAGE_UNAVAILABLE" });

    await using stream = await others.openStream("a");
    expect(await stream.write({ type: "Written", data: 1 })).toMatchObject({ version: 1 });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
