import { Client } from "pg";
import { expect, test } from "vitest";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { patient } from "../../conformance/support/transactions.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  test("a transaction in a deadlock with a session of the program's may be tried again", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
    await streams.transaction(async (tx) => {
      await tx.sql.run(sql`CREATE TABLE rows (id int)`);
      await tx.sql.run(sql`INSERT INTO rows VALUES (1), (2)`);
    });
    const other = new Client(started.url());
    await other.connect();
    const take = (id: number) => `SELECT FROM ${schemas.applicationSchema}.rows WHERE id = ${id} FOR UPDATE`;
    // The session of the store looks for deadlocks first.
    await other.query("BEGIN; SET LOCAL deadlock_timeout TO '1h'");
    await other.query(take(1));

    const writing = patient(streams).transaction(async (tx) => {
      await tx.write("a", { type: "Written", data: 1 });
      await tx.sql.all(sql`SELECT FROM rows WHERE id = ${2} FOR UPDATE`);
      const waiting = other.query(take(2));
      await Promise.all([tx.sql.all(sql`SELECT FROM rows WHERE id = ${1} FOR UPDATE`), waiting]);
    });
    expect(await failureOf(writing)).toMatchObject({
      code: "STORAGE_LOCKED",
      retryable: true,
      message: expect.stringContaining("Nothing was stored; try again"),
    });
    await other.query("ROLLBACK");
    await other.end();
    expect(await (await streams.openStream("a")).write({ type: "Written", data: 2 })).toMatchObject({ version: 1 });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
