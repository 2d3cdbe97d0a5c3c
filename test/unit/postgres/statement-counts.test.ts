import { Client, Pool, type PoolClient } from "pg";
import { expect, test, vi } from "vitest";
import { MAX_CALL_CHARACTERS } from "../../../adapters/postgres/append/call-size.js";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { TransactionalStreamFactory } from "../../../protocols/index.js";
import { type Projection, runProjections } from "../../../src/projections/index.js";
import { NO_POSTGRES, type ServerSettings, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

/** The server counts how often it plans and runs a statement, also those of functions. */
const COUNTING: ServerSettings = {
  ...THROWAWAY,
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track": "all",
  "pg_stat_statements.track_planning": "on",
};

const EVENTS = [1, 2, 3].map((data) => ({ type: "T", data }));

/** A pool that keeps the text of each query of its clients. */
function recordingPool(url: string): { readonly pool: Pool; readonly queries: string[] } {
  const pool = new Pool({ connectionString: url });
  const queries: string[] = [];
  pool.on("connect", (client: PoolClient) => {
    const query = client.query.bind(client) as (...args: unknown[]) => unknown;
    client.query = ((...args: [{ readonly text: string }]) => {
      queries.push(args[0].text);
      return query(...args);
    }) as unknown as PoolClient["query"];
  });
  return { pool, queries };
}

if (NO_POSTGRES === null) {
  const server = sharedServer(COUNTING);

  test("an append is one query", async () => {
    const { pool, queries } = recordingPool((await server()).url());
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      await using stream = await streams.openStream("a");
      await stream.write({ type: "T", data: 1 }, { expectedVersion: 0 });
      queries.length = 0;

      for (let version = 1; version < 20; version += 1) {
        await stream.write({ type: "T", data: 2 }, { expectedVersion: version });
      }

      expect(queries).toEqual(Array.from({ length: 19 }, () => expect.stringContaining("INSERT INTO")));
    }
    await pool.end();
  });

  test("appends that are made in the same turn of the event loop are one query, also behind one that was alone", async () => {
    const { pool, queries } = recordingPool((await server()).url());
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      const opened = await Promise.all(Array.from({ length: 64 }, (_, index) => streams.openStream(`s-${index}`)));
      const writeAll = () => Promise.all(opened.map((stream) => stream.write({ type: "T", data: 1 })));
      await writeAll();
      queries.length = 0;

      for (let round = 0; round < 5; round += 1) {
        await opened[0]?.write({ type: "T", data: 2 });
        await writeAll();
        await writeAll();
      }

      expect(queries).toHaveLength(15);
    }
    await pool.end();
  });

  test("an append to a stream of which this process has the last event is one query, whatever others append to others", async () => {
    const { pool, queries } = recordingPool((await server()).url());
    const schemas = ownSchemas();
    {
      await using streams = await postgresStreamFactory(pool, { ...schemas, durability: "normal" });
      await using others = await postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
      await using stream = await streams.openStream("a");
      await using another = await streams.openStream("b");
      await using theirs = await others.openStream("c");
      await Promise.all([stream.write({ type: "T", data: 1 }), another.write({ type: "T", data: 1 })]);
      queries.length = 0;

      for (let count = 0; count < 10; count += 1) {
        await theirs.write(EVENTS);
        await stream.write(EVENTS.slice(count % 3));
        await theirs.write(EVENTS);
        await Promise.all([stream.write(EVENTS), another.write(EVENTS)]);
      }

      expect(queries).toEqual(Array.from({ length: 20 }, () => expect.stringContaining("INSERT INTO")));
      expect(await streams.verify()).toMatchObject({ ok: true });
    }
    await pool.end();
  });

  test.each([
    ["in turn with this process", 0],
    ["while this process writes another one, too", 2],
  ])("where others append to the same stream %s, few queries are in vain", async (_, ownWrites) => {
    const { pool, queries } = recordingPool((await server()).url());
    const schemas = ownSchemas();
    {
      await using streams = await postgresStreamFactory(pool, { ...schemas, durability: "normal" });
      await using others = await postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
      await using stream = await streams.openStream("a");
      await using same = await others.openStream("a");
      await using another = await streams.openStream("b");
      queries.length = 0;

      for (let round = 0; round < 200; round += 1) {
        await same.write({ type: "T", data: 1 });
        await stream.write({ type: "T", data: 1 });
        for (let own = 0; own < ownWrites; own += 1) await another.write({ type: "T", data: 1 });
      }

      expect(stream.version).toBe(400);
      expect(queries.length - 200 * (1 + ownWrites)).toBeLessThan(12);
    }
    await pool.end();
  });

  test("a transaction with statements resets its session in the query that ends it, and without any leaves it", async () => {
    const { pool, queries } = recordingPool((await server()).url());
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE visits (id int PRIMARY KEY)`));
      queries.length = 0;
      const reset = expect.stringContaining("RESET ALL");

      await streams.transaction((tx) => tx.sql.run(sql`INSERT INTO visits (id) VALUES (${1})`));
      expect(queries.splice(0)).toEqual([
        expect.stringContaining("BEGIN"),
        expect.stringContaining("INSERT INTO visits"),
        reset,
      ]);

      const failing = streams.transaction((tx) => tx.sql.run(sql`INSERT INTO visits (id) VALUES (${1})`));
      await expect(failing).rejects.toThrow();
      expect(queries.splice(0)).toEqual([
        expect.stringContaining("BEGIN"),
        expect.stringContaining("INSERT INTO visits"),
        expect.stringMatching(/^ROLLBACK.*RESET ALL/s),
      ]);

      await streams.transaction((tx) => tx.write("a", { type: "T", data: 1 }));
      expect(queries).not.toContainEqual(reset);
    }
    await pool.end();
  });

  test("a transaction that takes a role, and goes on with what is the library's, sends no more queries than its calls", async () => {
    const started = await server();
    await started.query("DROP ROLE IF EXISTS tenant; CREATE ROLE tenant");
    const { pool, queries } = recordingPool(started.url());
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      queries.length = 0;

      await streams.transaction(async (tx) => {
        await tx.sql.run(sql`SELECT set_config(${"role"}, ${"tenant"}, true)`);
        await tx.write("a", { type: "T", data: 1 });
        await tx.sql.all(sql`SELECT current_user`);
        await tx.records.put("visits", "a", {});
      });

      expect(queries).toEqual([
        expect.stringContaining("BEGIN"),
        expect.stringContaining("set_config($1, $2, true)"),
        expect.stringContaining("es_append_one("),
        "SELECT current_user",
        expect.stringContaining("es_records"),
        expect.stringContaining("COMMIT"),
      ]);
    }
    await pool.end();
  });

  test("a query releases locks in the query that ends it", async () => {
    const { pool, queries } = recordingPool((await server()).url());
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      await streams.query(sql`SELECT 1`);
      queries.length = 0;

      await streams.query(sql`SELECT count(*) FROM pg_class`);

      expect(queries).toEqual([
        expect.stringContaining("BEGIN"),
        expect.stringContaining("SELECT count(*)"),
        expect.stringMatching(/^ROLLBACK; SELECT .*pg_advisory_unlock_all/),
      ]);
    }
    await pool.end();
  });

  // One event has statements of its own, and events without keys have others once their stream is known.
  test.each([1, 2])("a session plans the statements of an append of %i once, and not for each call", async (count) => {
    const started = await server();
    await started.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    await using streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), durability: "normal" });
    await using stream = await streams.openStream("a");
    // From version 18 on, statements of tables with the same names are counted together, whatever their schemas are.
    await started.query("SELECT pg_stat_statements_reset()");
    for (let call = 0; call < 20; call += 1) {
      const events = Array.from({ length: count }, (_, index) => ({
        type: "T",
        data: 1,
        idempotencyKey: `${call}-${index}`,
      }));
      await stream.write(events, { expectedVersion: call * count });
    }

    const { rows } = await started.query(
      "SELECT query, plans::int FROM pg_stat_statements WHERE NOT toplevel AND calls >= 20",
    );
    expect(rows).toContainEqual({ query: expect.stringContaining("INSERT INTO"), plans: 1 });
    expect(rows.filter(({ plans }) => plans > 1)).toEqual([]);
  });

  test.each([1, 2])(
    "a session plans an append of %i to a known stream a few times, and not for each call",
    async (count) => {
      const started = await server();
      await started.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
      await using streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), durability: "normal" });
      await using stream = await streams.openStream("a");
      await started.query("SELECT pg_stat_statements_reset()");
      const events = Array.from({ length: count }, () => ({ type: "T", data: 1 }));
      for (let call = 0; call < 40; call += 1) await stream.write(events);

      const { rows } = await started.query(
        "SELECT query, plans::int FROM pg_stat_statements WHERE toplevel AND calls >= 20",
      );
      expect(rows).toContainEqual({ query: expect.stringContaining("INSERT INTO"), plans: expect.any(Number) });
      expect(rows.filter(({ plans }) => plans > 6)).toEqual([]);
    },
  );

  test.each([1, 2])(
    "an append of %i looks for nothing where nothing in the server has changed since the last",
    async (count) => {
      const started = await server();
      await started.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
      await using streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), durability: "normal" });
      await using stream = await streams.openStream("a");
      const events = Array.from({ length: count }, () => ({ type: "T", data: 1 }));
      await stream.write(events);
      await stream.write(events);
      await started.query("SELECT pg_stat_statements_reset()");
      for (let call = 0; call < 40; call += 1) await stream.write(events);

      const { rows } = await started.query(
        "SELECT coalesce(sum(calls), 0)::int AS looks FROM pg_stat_statements WHERE NOT toplevel AND query ~ 'es_events'",
      );
      // The server itself makes a few transactions of its own.
      expect(rows[0]?.looks).toBeLessThan(10);
    },
  );

  test("an append of one event runs no statement that is made for many", async () => {
    const started = await server();
    await started.query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements");
    await using streams = await postgresStreamFactory(started.url(), { ...ownSchemas(), durability: "normal" });
    await using stream = await streams.openStream("a");
    await started.query("SELECT pg_stat_statements_reset()");
    await stream.write({ type: "T", data: 1, idempotencyKey: "k" }, { expectedVersion: 0 });
    await stream.write({ type: "T", data: 2 }, { expectedVersion: 1 });

    const { rows } = await started.query(
      "SELECT query FROM pg_stat_statements WHERE NOT toplevel AND query ~ 'es_events'",
    );
    expect(rows).toContainEqual({ query: expect.stringContaining("INSERT INTO") });
    expect(rows.filter(({ query }) => query.includes("unnest"))).toEqual([]);
  });

  test.each([
    [
      "a transaction of several writes",
      async (streams: TransactionalStreamFactory) => {
        await streams.transaction(async (tx) => {
          await tx.write("a", { type: "T", data: 1 });
          await tx.write("b", EVENTS.slice(1));
        });
      },
    ],
    [
      "a write that takes several calls",
      async (streams: TransactionalStreamFactory) => {
        const data = "x".repeat(MAX_CALL_CHARACTERS / 2);
        await using stream = await streams.openStream("b");
        await stream.write(EVENTS.map(({ type }) => ({ type, data })));
      },
    ],
  ])("%s is one notification", async (_, write) => {
    const url = (await server()).url();
    const { pool, queries } = recordingPool(url);
    const listener = new Client(url);
    await listener.connect();
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      await using stream = await streams.openStream("a");
      const watching = stream.watch().subscribe(() => undefined);
      const listen = () => queries.find((text) => text.startsWith("LISTEN"));
      await expect.poll(listen).toBeDefined();
      const heard: unknown[] = [];
      listener.on("notification", ({ payload }) => heard.push(payload));
      await listener.query(listen() as string);

      await write(streams);
      await stream.write({ type: "T", data: 4 });

      await expect.poll(() => heard.at(-1)).toBe("4");
      expect(heard).toEqual(["3", "4"]);
      watching.unsubscribe();
    }
    await listener.end();
    await pool.end();
  });

  test("a projection is registered with as many queries beside many others as beside a few", async () => {
    const { pool, queries } = recordingPool((await server()).url());
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      const counts: number[] = [];
      for (let others = 0; others < 10; others += 1) {
        queries.length = 0;
        const projection: Projection = {
          name: `p${others}`,
          version: 1,
          tables: async () => void counts.push(queries.length),
          project: async () => undefined,
        };
        await using runner = await runProjections(streams, [projection]);
        await expect.poll(() => runner.status()[0]?.state).toBe("live");
      }
      // The first one opens sessions.
      const [, few, ...many] = counts;
      expect(many).toEqual(many.map(() => few));
    }
    await pool.end();
  });

  test("a poll that finds nothing is one query", async () => {
    const { pool, queries } = recordingPool((await server()).url());
    {
      const options = { ...ownSchemas(), durability: "normal", notify: false, pollIntervalMs: 1 } as const;
      await using streams = await postgresStreamFactory(pool, options);
      await using stream = await streams.openStream("a");
      const heard: unknown[] = [];
      const watching = stream.watch().subscribe(({ data }) => heard.push(data));
      await vi.waitFor(async () => {
        await stream.write({ type: "T", data: heard.length });
        expect(heard).not.toEqual([]);
      });

      await vi.waitFor(() => {
        const [poll, ...others] = queries.slice(-10);
        expect(others).toEqual(Array.from({ length: 9 }, () => poll));
      });
      watching.unsubscribe();
    }
    await pool.end();
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
