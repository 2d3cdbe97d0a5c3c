import { Client, Pool, type PoolConfig } from "pg";
import { expect, test, vi } from "vitest";
import { sql } from "../../../index.js";
import { type PostgresOptions, postgresStreamFactory } from "../../../postgres.js";
import { collect } from "../../conformance/support/collect.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

const NOWHERE = "postgresql://bank:secret@127.0.0.1:1/bank";

test.each<[string, PostgresOptions, string]>([
  ["an option that there is not", { shema: "a" } as PostgresOptions, "shema"],
  ["a schema without a name", { schema: "" }, "schema"],
  ["a schema of the server's", { schema: "pg_own" }, "schema"],
  ["the library's schema for the application", { schema: "public" }, "applicationSchema"],
  ["no connections to read with", { readPoolSize: 0 }, "readPoolSize"],
  ["an unknown durability", { durability: "half" as "full" }, "durability"],
  ["a server that is too old for the adapter", { minServerVersion: 14 }, "minServerVersion"],
  ["an index of what is no field", { indexes: ["nothing" as "type"] }, "indexes"],
])("options are checked: %s", async (_, options, argument) => {
  await expect(postgresStreamFactory(NOWHERE, options)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument });
});

test.each([[""], [null], [7]])("a connection that is none is refused: %s", async (connection) => {
  const opening = postgresStreamFactory(connection as string);
  await expect(opening).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "connection" });
});

test.each([
  ["nonsense"],
  ["bank:secret@127.0.0.1:1/bank"],
  ["host=127.0.0.1 password=secret"],
  ["http://bank:secret@127.0.0.1:1/bank"],
])("a text that is no connection string is refused before anything is looked up: %s", async (text) => {
  const pool = new Pool({ connectionString: text });
  const refusal = (argument: string) => ({
    code: "INVALID_ARGUMENT",
    argument,
    message: expect.not.stringContaining("secret"),
  });
  for (const connection of [text, { connectionString: text }, pool]) {
    await expect(postgresStreamFactory(connection)).rejects.toMatchObject(refusal("connection"));
  }
  await expect(postgresStreamFactory(NOWHERE, { replica: text })).rejects.toMatchObject(refusal("replica"));
});

test("a URL that is not a text is refused", async () => {
  const opening = postgresStreamFactory(new URL(NOWHERE));
  await expect(opening).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "connection" });
});

test("a server that is not there is told by its code, without the password", async () => {
  await expect(postgresStreamFactory(NOWHERE)).rejects.toMatchObject({
    code: "STORAGE_UNAVAILABLE",
    retryable: true,
    message: expect.not.stringContaining("secret"),
  });
});

/** Connections behind a pooler, which gives what they ask to one session of the server, or to one for each of them. */
async function pooled(url: string, mode: "session" | "transaction") {
  const sessions: Client[] = [];
  const session = async () => {
    const client = new Client(url);
    await client.connect();
    sessions.push(client);
    return client;
  };
  const shared = await session();
  const connect = async () => {
    const client = mode === "transaction" ? shared : await session();
    return new Proxy(client, {
      get(_, name) {
        if (name === "processID") return 1;
        if (name === "release") return () => undefined;
        const value = Reflect.get(client, name);
        return typeof value === "function" ? value.bind(client) : value;
      },
    });
  };
  return {
    pool: { connect, totalCount: 0, options: { connectionString: url } } as unknown as Pool,
    [Symbol.asyncDispose]: async () => void (await Promise.all(sessions.map((client) => client.end()))),
  };
}

if (NO_POSTGRES === null) {
  const server = sharedServer();

  test("a pooler that gives the statements of a connection to any session is refused", async () => {
    const started = await server();
    const { schema, applicationSchema } = ownSchemas();
    await using pooler = await pooled(started.url(), "transaction");

    await expect(postgresStreamFactory(pooler.pool, { schema, applicationSchema })).rejects.toMatchObject({
      code: "STORAGE_UNSUPPORTED",
      message: expect.stringContaining("pool_mode=session"),
    });
    const { rows } = await started.query("SELECT to_regnamespace($1) AS found", [schema]);
    expect(rows).toEqual([{ found: null }]);
  });

  test("a store that was made without the function for one event gets it", async () => {
    const started = await server();
    const schemas = ownSchemas();
    {
      await using streams = await postgresStreamFactory(started.url(), schemas);
      await using stream = await streams.openStream("a");
      await stream.write({ type: "T", data: 1 });
    }
    await started.query(`DROP FUNCTION ${schemas.schema}.es_append_one`);

    await using streams = await postgresStreamFactory(started.url(), schemas);
    await using stream = await streams.openStream("a");
    await stream.write({ type: "T", data: 2 });
    expect(await collect(stream.read())).toMatchObject([{ data: 1 }, { data: 2 }]);
  });

  test.each<[string, PostgresOptions]>([
    ["with create: false", { create: false }],
    ["by a role that may only use it", {}],
  ])("a store that was made without the function for one event works when it is opened %s", async (_, options) => {
    const started = await server();
    const schemas = ownSchemas();
    await (await postgresStreamFactory(started.url(), schemas))[Symbol.asyncDispose]();
    const user = `user_of_${schemas.schema}`;
    await started.query(`
      DROP FUNCTION ${schemas.schema}.es_append_one;
      CREATE ROLE ${user} LOGIN;
      GRANT USAGE ON SCHEMA ${schemas.schema} TO ${user};
      GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schemas.schema} TO ${user}`);
    const url = started.url().replace("postgres@", `${user}@`);

    await using streams = await postgresStreamFactory(url, { ...schemas, ...options });
    await using stream = await streams.openStream("a");
    expect(await stream.write({ type: "T", data: 1 })).toMatchObject({ version: 1 });
    await streams.transaction(async (tx) => tx.write("a", { type: "T", data: 2 }));
    expect(await collect(stream.read())).toMatchObject([{ data: 1 }, { data: 2 }]);
  });

  test("a store that is there is opened with another schema for the application, which is created", async () => {
    const started = await server();
    const { schema, applicationSchema } = ownSchemas();
    await (await postgresStreamFactory(started.url(), { schema, applicationSchema }))[Symbol.asyncDispose]();

    const options = { schema, applicationSchema: `other_${applicationSchema}` };
    await using streams = await postgresStreamFactory(started.url(), options);
    await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE owners (name text)`));
    const { rows } = await started.query("SELECT to_regclass($1) AS found", [`${options.applicationSchema}.owners`]);
    expect(rows).toEqual([{ found: `${options.applicationSchema}.owners` }]);
  });

  test("a role for which NULL in an array is a text writes several events", async () => {
    const started = await server();
    const schemas = ownSchemas();
    const user = `user_of_${schemas.schema}`;
    await started.query(`CREATE ROLE ${user} SUPERUSER LOGIN; ALTER ROLE ${user} SET array_nulls TO off`);
    await using streams = await postgresStreamFactory(started.url().replace("postgres@", `${user}@`), schemas);
    await using stream = await streams.openStream("a");

    const written = await stream.write([
      { type: "T", data: 1 },
      { type: "T", data: new Uint8Array([2]) },
    ]);
    expect(written).toMatchObject({ version: 2 });
  });

  test("a role whose transactions may not last runs longer ones", async () => {
    const started = await server();
    const schemas = ownSchemas();
    const user = `user_of_${schemas.schema}`;
    // Servers before 17 do not know the setting, and have no such limit.
    await started.query(`CREATE ROLE ${user} SUPERUSER LOGIN;
      DO $do$ BEGIN
        IF current_setting('server_version_num')::int >= 170000 THEN ALTER ROLE ${user} SET transaction_timeout TO 50; END IF;
      END $do$`);
    await using streams = await postgresStreamFactory(started.url().replace("postgres@", `${user}@`), schemas);
    await streams.transaction(async (tx) => {
      await tx.sql.all(sql`SELECT pg_sleep(0.2)`);
      await tx.write("a", { type: "T", data: 1 });
    });
    expect((await streams.openStream("a")).version).toBe(1);
  });

  test.each([{ binary: true }, { pipeline: true }])(
    "a pool with the option %o of its client stores, reads and queries as any other",
    async (option) => {
      const pool = new Pool({ connectionString: (await server()).url(), ...option } as PoolConfig);
      {
        await using streams = await postgresStreamFactory(pool, ownSchemas());
        const data = { text: "ä", bytes: [1, 2] };
        const seen = await streams.transaction(async (tx) => {
          await tx.sql.run(sql`SELECT set_config('search_path', 'pg_catalog', true)`);
          await tx.write("a", [{ type: "T", data, idempotencyKey: "k" }]);
          await tx.records.put("visits", "a", { count: 1 });
          const path = await tx.sql.all(sql`SELECT current_setting('search_path') AS value`);
          return [path, await tx.records.get("visits", "a")];
        });

        expect(seen).toEqual([[{ value: "pg_catalog" }], expect.objectContaining({ value: { count: 1 } })]);
        await using stream = await streams.openStream("a");
        await stream.write({ type: "T", data: new Uint8Array([0, 92]) });
        expect(await collect(stream.read())).toMatchObject([{ data }, { data: new Uint8Array([0, 92]) }]);
        const values = sql`SELECT ${7}::int AS int, ${1.5}::float8 AS float, ${new Uint8Array([9])}::bytea AS bytes, true AS bool`;
        expect(await streams.query(values)).toEqual([{ int: 7, float: 1.5, bytes: new Uint8Array([9]), bool: true }]);
        expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 2 });
      }
      await pool.end();
    },
  );

  test("a session in which others have prepared statements with the library's names is as good as a new one", async () => {
    const pool = new Pool({ connectionString: (await server()).url() });
    const names = ["es_kept", "es_append_one", "es_page_stream_forward"];
    pool.on("connect", (client) => {
      client.query(names.map((name) => `PREPARE ${name} AS SELECT 1`).join("; ")).catch(() => undefined);
    });
    {
      await using streams = await postgresStreamFactory(pool, ownSchemas());
      await using stream = await streams.openStream("a");
      await stream.write({ type: "T", data: 1 });
      expect(await collect(stream.read())).toMatchObject([{ data: 1 }]);
    }
    await pool.end();
  });

  test("a pooler that gives each connection a session of its own is as good as the server", async () => {
    await using pooler = await pooled((await server()).url(), "session");
    await using streams = await postgresStreamFactory(pooler.pool, ownSchemas());
    const stream = await streams.openStream("a");

    expect(await stream.write({ type: "Written", data: 1 })).toMatchObject({ version: 1, written: 1 });
  });

  test("a pool that has no connection left is waited for as long as a new connection may take", async () => {
    const pool = new Pool({ connectionString: (await server()).url(), max: 3 });
    const taken = await Promise.all([1, 2, 3].map(() => pool.connect()));
    const opening = postgresStreamFactory(pool, { ...ownSchemas(), connectTimeoutMs: 50 });

    await expect(opening).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryable: true });
    for (const client of taken) client.release();
    await pool.end();
  });

  test("calls that have waited together for a pool without a connection left fail together", async () => {
    const pool = new Pool({ connectionString: (await server()).url(), max: 3 });
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), connectTimeoutMs: 500 });
      const taken = await Promise.all([1, 2].map(() => pool.connect()));
      const connect = vi.spyOn(pool, "connect");

      const calls = Array.from({ length: 8 }, () => streams.query(sql`SELECT 1`));
      for (const call of [...calls, streams.verify()]) {
        await expect(call).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
      }

      expect(connect).toHaveBeenCalledOnce();
      for (const client of taken) client.release();
      expect(await streams.query(sql`SELECT 1 AS one`)).toEqual([{ one: 1 }]);
    }
    await pool.end();
  });

  test("a small pool reads what is asked for at the same time, also while the program uses some of it", async () => {
    const pool = new Pool({ connectionString: (await server()).url(), max: 4 });
    const taken = [await pool.connect()];
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), connectTimeoutMs: 500 });
      await using stream = await streams.openStream("a");
      await stream.write({ type: "T", data: 1 });
      taken.push(await pool.connect());
      const reads = await Promise.all(Array.from({ length: 8 }, () => collect(stream.read())));
      expect(reads.map(({ length }) => length)).toEqual(Array.from({ length: 8 }, () => 1));
    }
    for (const client of taken) client.release();
    await pool.end();
  });

  test("a role that may have few connections reads what is asked for at the same time", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await (await postgresStreamFactory(started.url(), schemas))[Symbol.asyncDispose]();
    const user = `user_of_${schemas.schema}`;
    await started.query(`
      CREATE ROLE ${user} LOGIN CONNECTION LIMIT 2;
      GRANT USAGE ON SCHEMA ${schemas.schema} TO ${user};
      GRANT SELECT ON ALL TABLES IN SCHEMA ${schemas.schema} TO ${user}`);

    await using streams = await postgresStreamFactory(started.url().replace("postgres@", `${user}@`), schemas);
    await using stream = await streams.openStream("a");
    const versions = await Promise.all(Array.from({ length: 8 }, () => stream.metrics()));
    expect(versions).toHaveLength(8);
  });

  test.each(["LATIN1", "SQL_ASCII"])("a database with the encoding %s is refused", async (encoding) => {
    const started = await server();
    const database = `encoded_${encoding.toLowerCase()}`;
    await started.query(`CREATE DATABASE ${database} TEMPLATE template0 ENCODING '${encoding}' LOCALE 'C'`);

    await expect(postgresStreamFactory(started.url(database))).rejects.toMatchObject({
      code: "STORAGE_UNSUPPORTED",
      message: expect.stringContaining(`${encoding}, which`),
    });
    const { rows } = await started.query("SELECT to_regnamespace('async_streams') AS found", [], database);
    expect(rows).toEqual([{ found: null }]);
  });

  test("without create, a store that is missing is refused, and nothing is made", async () => {
    const started = await server();
    const { schema, applicationSchema } = ownSchemas();
    const opening = postgresStreamFactory(started.url(), { schema, applicationSchema, create: false });

    await expect(opening).rejects.toMatchObject({ code: "STORAGE_NOT_FOUND" });
    const { rows } = await started.query("SELECT to_regnamespace($1) AS found", [schema]);
    expect(rows).toEqual([{ found: null }]);
  });

  test("processes that open a new store at the same time make it once", async () => {
    const url = (await server()).url();
    const schemas = ownSchemas();
    const stores = await Promise.all([1, 2, 3, 4].map(() => postgresStreamFactory(url, schemas)));
    await Promise.all(stores.map((streams) => streams[Symbol.asyncDispose]()));
  });

  test("an append of more than one call is stored as one, and so is its retry; indexes find its events", async () => {
    const options = { ...ownSchemas(), indexes: ["type", "metadata.a.b"] as const };
    await using streams = await postgresStreamFactory((await server()).url(), options);
    await using stream = await streams.openStream("a");
    const events = Array.from({ length: 20 }, (_, number) => ({
      type: `T${number % 2}`,
      data: "x".repeat(1024 * 1024),
      metadata: { a: { b: number } },
      idempotencyKey: `key-${number}`,
    }));

    expect(await stream.write(events, { expectedVersion: 0 })).toEqual({ version: 20, position: 20, written: 20 });
    expect(await stream.write(events, { expectedVersion: 0 })).toEqual({ version: 20, position: 20, written: 0 });
    const byPath = await collect(stream.read({ filter: [{ field: "metadata.a.b", op: "=", value: 7 }] }));
    expect(byPath.map(({ version }) => version)).toEqual([8]);
    const byType = await collect(
      stream.read({ filter: [{ field: "type", op: "=", value: "T1" }], direction: "backward" }),
    );
    expect(byType.map(({ version }) => version)).toEqual([20, 18, 16, 14, 12, 10, 8, 6, 4, 2]);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
