import { Pool, type PoolClient } from "pg";
import { expect, test, vi } from "vitest";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

/** A transaction whose statements and writes take turns, over a pool that is ended then. @returns what the statements saw */
async function transact(pool: Pool): Promise<unknown> {
  const rows = await (async () => {
    await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
    return streams.transaction(async (tx) => {
      const before = await tx.sql.all(sql`SELECT ${1}::int AS number`);
      const { version } = await tx.write("a", { type: "T", data: 1 });
      return [...before, ...(await tx.sql.all(sql`SELECT ${version}::int + 1 AS number`))];
    });
  })();
  await pool.end();
  return rows;
}

const SEEN = [{ number: 1 }, { number: 2 }];

/** As tools do that trace queries: whatever is taken from the client is bound to it. */
function wrapped(client: PoolClient): PoolClient {
  return new Proxy(client, {
    get(_, name) {
      const value: unknown = Reflect.get(client, name);
      return typeof value === "function" ? value.bind(client) : value;
    },
  });
}

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  test("clients of a pool may be wrapped", async () => {
    const pool = new Pool({ connectionString: (await server()).url() });
    const connect = pool.connect.bind(pool) as () => Promise<PoolClient>;
    pool.connect = (async () => wrapped(await connect())) as typeof pool.connect;

    expect(await transact(pool)).toEqual(SEEN);
  });

  test("the time limit of a client's queries keeps no process running behind their answers", async () => {
    const limitMs = 3_600_000;
    const begun = vi.spyOn(globalThis, "setTimeout");
    const ended = vi.spyOn(globalThis, "clearTimeout");

    expect(await transact(new Pool({ connectionString: (await server()).url(), query_timeout: limitMs }))).toEqual(
      SEEN,
    );

    const cleared = ended.mock.calls.map(([timer]) => timer);
    const limits = begun.mock.results.filter((_, index) => begun.mock.calls[index]?.[1] === limitMs);
    expect(limits).not.toEqual([]);
    expect(limits.filter(({ value }) => !cleared.includes(value))).toEqual([]);
    vi.restoreAllMocks();
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
