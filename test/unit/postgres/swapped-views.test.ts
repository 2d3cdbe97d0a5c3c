import { Client } from "pg";
import { expect, test, vi } from "vitest";
import { rawSQL, sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { StoredEvent } from "../../../protocols/index.js";
import { PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { dropProjection, type Projection, runProjections } from "../../../src/projections/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { overwrite, recordOf } from "../consumers/support/lease-records.js";

/** A read model with a row for each event. Its columns behind the first are those of its version. */
const orders = (version: number, columns: string): Projection<StoredEvent & { data: number }> => ({
  name: "orders",
  version,
  tables: async ({ sql: tables, table }) => {
    await tables.run(sql`CREATE TABLE ${table("orders")} (${rawSQL(columns)})`);
  },
  project: async (events, { sql: tables, table }) => {
    for (const { data } of events) await tables.run(sql`INSERT INTO ${table("orders")} (id) VALUES (${data})`);
  },
});

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const openStore = async () => {
    const schemas = ownSchemas();
    const streams = await postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
    const stream = await streams.openStream("a");
    await stream.write({ type: "Ordered", data: 1 });
    const first = await shown(streams, orders(1, "id int"));
    await first[Symbol.asyncDispose]();
    return { streams, stream, schemas };
  };
  /** Runs a projection until it is what readers see. */
  const shown = async (streams: Awaited<ReturnType<typeof postgresStreamFactory>>, projection: Projection) => {
    const runner = await runProjections(streams, [projection], { leaseMs: 1_000 });
    await expect.poll(() => runner.status(), { timeout: 20_000 }).toMatchObject([{ state: "live" }]);
    return runner;
  };

  test("a reader of a view delays its swap, and no writer and no projecting", async () => {
    const { streams, stream, schemas } = await openStore();
    await using _ = streams;
    const reader = new Client((await server()).url());
    await reader.connect();
    await reader.query(`BEGIN; SELECT FROM ${schemas.applicationSchema}.orders`);

    await using runner = await runProjections(streams, [orders(2, "id int, amount int DEFAULT 7")]);
    for (const data of [2, 3, 4]) {
      const { position } = await stream.write({ type: "Ordered", data });
      await expect.poll(() => runner.status(), { timeout: 20_000 }).toMatchObject([{ state: "building", position }]);
    }
    expect(await streams.query(sql`SELECT * FROM orders`)).toEqual([{ id: 1 }]);

    await reader.query("COMMIT");
    await reader.end();
    await expect.poll(() => runner.status(), { timeout: 20_000 }).toMatchObject([{ state: "live" }]);
    const rows = await streams.query(sql`SELECT id, amount FROM orders ORDER BY id`);
    expect(rows).toEqual([1, 2, 3, 4].map((id) => ({ id, amount: 7 })));
  });

  test("a build whose swap is delayed keeps its lease, although there is nothing to project", async () => {
    const { streams, schemas } = await openStore();
    await using _ = streams;
    const reader = new Client((await server()).url());
    await reader.connect();
    await reader.query(`BEGIN; SELECT FROM ${schemas.applicationSchema}.orders`);

    await using runner = await runProjections(streams, [orders(2, "id int")], { leaseMs: 1_000 });
    await expect.poll(() => runner.status()).toMatchObject([{ state: "building", position: 1 }]);
    const untilMs = async () => Number((await recordOf(streams, PROJECTIONS_SPACE, "orders@2"))?.untilMs);
    const firstUntilMs = await untilMs();
    await expect.poll(untilMs, { timeout: 10_000 }).toBeGreaterThan(firstUntilMs);
    await reader.end();
  });

  test("a reader of the tables of a former version delays their end, and not the projection", async () => {
    const { streams, stream, schemas } = await openStore();
    await using _ = streams;
    const second = orders(2, "id int, amount int DEFAULT 7");
    const former = `${schemas.applicationSchema}.orders__1`;
    const reader = new Client((await server()).url());
    await reader.connect();
    await reader.query(`BEGIN; SELECT FROM ${former}`);
    await (await shown(streams, second))[Symbol.asyncDispose]();

    const nowMs = Date.now() + 25 * 60 * 60 * 1_000;
    const clock = vi.spyOn(Date, "now").mockReturnValue(nowMs);
    try {
      await using runner = await shown(streams, second);
      const { position } = await stream.write({ type: "Ordered", data: 2 });
      await expect.poll(() => runner.status(), { timeout: 20_000 }).toMatchObject([{ state: "live", position }]);
      await reader.query(`SELECT FROM ${former}; COMMIT`);
      await reader.end();
      const reading = () => failureOf(streams.query(sql`SELECT FROM orders__1`));
      await expect.poll(reading, { timeout: 20_000 }).toMatchObject({ code: "STORAGE_FAILED" });
    } finally {
      clock.mockRestore();
    }
  });

  test("a reader of a projection delays its drop, and no writer", async () => {
    const { streams, stream, schemas } = await openStore();
    await using _ = streams;
    const reader = new Client((await server()).url());
    await reader.connect();
    await reader.query(`BEGIN; SELECT FROM ${schemas.applicationSchema}.orders`);
    const waiting = async () =>
      (await reader.query("SELECT FROM pg_locks WHERE NOT granted AND relation IS NOT NULL")).rowCount;

    const dropping = dropProjection(streams, "orders");
    await expect.poll(waiting, { interval: 10 }).toBe(1);
    await stream.write({ type: "Ordered", data: 2 });
    await reader.query("COMMIT");
    await reader.end();

    expect(await dropping).toBe(true);
    expect(await failureOf(streams.query(sql`SELECT FROM orders`))).toMatchObject({ code: "STORAGE_FAILED" });
  });

  test("a reader delays a drop for up to a minute from when nobody runs the projection, however late that is known", async () => {
    const { streams, schemas } = await openStore();
    await using _ = streams;
    const reader = new Client((await server()).url());
    await reader.connect();
    await reader.query(`BEGIN; SELECT FROM ${schemas.applicationSchema}.orders`);
    await overwrite(streams, PROJECTIONS_SPACE, "orders@1", { owner: "killed", untilMs: 0, leaseMs: 300 });

    const dropping = dropProjection(streams, "orders");
    const now = performance.now.bind(performance);
    const clock = vi.spyOn(performance, "now").mockImplementation(() => now() + 3_600_000);
    const waiting = async () =>
      (await reader.query("SELECT FROM pg_locks WHERE NOT granted AND relation IS NOT NULL")).rowCount;
    try {
      // It gives up once, and tries again.
      for (const count of [1, 0, 1]) await expect.poll(waiting, { interval: 10, timeout: 20_000 }).toBe(count);
      await reader.query("COMMIT");
      expect(await dropping).toBe(true);
    } finally {
      clock.mockRestore();
      await reader.end();
    }
  });

  test("a swap keeps what depends on a view as long as its columns are those of the one before", async () => {
    const { streams } = await openStore();
    await using _ = streams;
    await streams.transaction((tx) => tx.sql.run(sql`CREATE VIEW numbers AS SELECT id FROM orders`));
    const second = await shown(streams, orders(2, "id int, amount int DEFAULT 7"));
    await second[Symbol.asyncDispose]();
    expect(await streams.query(sql`SELECT amount, numbers.id FROM orders, numbers`)).toEqual([{ id: 1, amount: 7 }]);

    await streams.transaction((tx) => tx.sql.run(sql`DROP VIEW numbers`));
    const third = await shown(streams, orders(3, "id bigint, note text DEFAULT 'new'"));
    await third[Symbol.asyncDispose]();
    expect(await streams.query(sql`SELECT * FROM orders`)).toEqual([{ id: 1, note: "new" }]);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
