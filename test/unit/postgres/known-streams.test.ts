import { Client, Pool, type PoolConfig } from "pg";
import { expect, test, vi } from "vitest";
import { MAX_LATER_EVENTS } from "../../../adapters/postgres/append/known-streams.js";
import { ConnectionLostError } from "../../../adapters/postgres/client/client.js";
import { PGClient } from "../../../adapters/postgres/client/pg-client.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { CandidateEvent, Stream } from "../../../protocols/index.js";
import { collect } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { readVersions } from "../../support/read-versions.js";

// A process knows the streams that it has written last, and looks for no more than what others have appended since.

/** After so many writes a process knows the stream. */
const WRITES = 10;

async function writeOften(stream: Stream): Promise<void> {
  for (let data = 0; data < WRITES; data += 1) await stream.write({ type: "T", data });
}

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  /** A store with a stream that this process knows, and the same store as another process has it. */
  async function openKnown() {
    const schemas = ownSchemas();
    const started = await server();
    const open = () => postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
    const streams = await open();
    const others = await open();
    const stream = await streams.openStream("a");
    await writeOften(stream);
    return {
      streams,
      stream,
      others,
      started,
      schema: schemas.schema,
      async [Symbol.asyncDispose]() {
        await streams[Symbol.asyncDispose]();
        await others[Symbol.asyncDispose]();
      },
    };
  }

  test("what is stored in known streams is as it was written, and the store is whole", async () => {
    await using store = await openKnown();
    const { streams, stream } = store;
    await using other = await streams.openStream("ö".repeat(1_000));
    await writeOften(other);
    const events: readonly [CandidateEvent, CandidateEvent, CandidateEvent] = [
      { type: "Ünï\0code", data: { text: 'quoted "\\ \u001f' }, metadata: { user: "u" } },
      { type: "Binary", data: new Uint8Array([0, 1, 255]) },
      { type: "Nothing", data: null },
    ];

    expect(await stream.write(events[0])).toEqual({ version: 11, position: 21, written: 1 });
    expect(await stream.write(events[1])).toEqual({ version: 12, position: 22, written: 1 });
    const writing = [stream.write([...events]), other.write([...events]), stream.write(events[2])];
    expect(await Promise.all(writing)).toEqual([
      { version: 15, position: 25, written: 3 },
      { version: 13, position: 28, written: 3 },
      { version: 16, position: 29, written: 1 },
    ]);

    const stored = await collect(stream.read({ after: 10 }));
    const expected = [events[0], events[1], ...events, events[2]];
    expect(stored.map(({ type, data }) => ({ type, data }))).toEqual(
      expected.map(({ type, data }) => ({ type, data })),
    );
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("positions may be larger than 32 bits hold", async () => {
    await using store = await openKnown();
    const { streams, stream, started, schema } = store;
    await started.query(`UPDATE ${schema}.es_counters SET value = 2147483646 WHERE name = 'position'`);
    const skipped = 2_147_483_646 - WRITES;
    await started.query(`UPDATE ${schema}.es_counters SET value = ${skipped} WHERE name = 'skipped'`);
    await started.query(`UPDATE ${schema}.es_counters SET value = 1 WHERE name = 'removal'`);
    await writeOften(stream);
    const event: CandidateEvent = { type: "T", data: 0 };
    const position = 2_147_483_647 + WRITES;

    expect(await stream.write(event)).toMatchObject({ position });
    expect(await stream.write([event, event])).toMatchObject({ position: position + 2 });
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("what another process appends is never overwritten, and no version is taken twice", async () => {
    await using store = await openKnown();
    const { stream, others } = store;
    await using same = await others.openStream("a");
    for (let round = 0; round < 5; round += 1) {
      await writeOften(stream);
      await same.write({ type: "Theirs", data: round });
      const expectedVersion = WRITES + round * (WRITES + 1) + WRITES;
      expect(await failureOf(stream.write({ type: "T", data: 0 }, { expectedVersion }))).toMatchObject({
        code: "CONCURRENCY_CONFLICT",
        actualVersion: expectedVersion + 1,
      });
    }
    const { versions } = await readVersions(stream);
    expect(versions).toEqual(Array.from({ length: WRITES + 5 * (WRITES + 1) }, (_, index) => index + 1));
    expect(await others.verify()).toMatchObject({ ok: true });
  });

  test.each([0, 1, MAX_LATER_EVENTS - 1, MAX_LATER_EVENTS])(
    "an event of others is found behind and before %i of other streams",
    async (count) => {
      await using store = await openKnown();
      const { streams, stream, others } = store;
      await using same = await others.openStream("a");
      await using theirs = await others.openStream("b");
      const events = Array.from({ length: count }, (_, data) => ({ type: "T", data }));
      for (const own of [1, 2]) {
        await theirs.write(events);
        await same.write({ type: "Theirs", data: own });
        await theirs.write(events);
        await stream.write(events.slice(0, own).concat({ type: "Mine", data: own }));
        await writeOften(stream);
      }

      const { versions } = await readVersions(stream);
      expect(versions).toEqual(Array.from({ length: versions.length }, (_, index) => index + 1));
      expect(stream.version).toBe(versions.length);
      expect(await streams.verify()).toMatchObject({ ok: true });
    },
  );

  test("an event of others is found in a stream that was not written for a while", async () => {
    await using store = await openKnown();
    const { streams, stream, others } = store;
    await using another = await streams.openStream("b");
    await using same = await others.openStream("a");
    await using theirs = await others.openStream("c");
    for (let round = 0; round < 3; round += 1) {
      await theirs.write({ type: "Theirs", data: round });
      await writeOften(another);
      if (round === 1) await same.write({ type: "Theirs", data: round });
      await writeOften(another);
      const version = WRITES + round + (round > 0 ? 1 : 0);
      const expected = version + 1;
      expect(await stream.write({ type: "Mine", data: round })).toMatchObject({ version: expected });
    }
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("a position that a removal of another process has skipped is given to nobody", async () => {
    await using store = await openKnown();
    const { streams, stream, others } = store;
    await others.pruneStream("a", { before: 3 });
    expect(await stream.write({ type: "T", data: 0 })).toEqual({ version: 11, position: 12, written: 1 });
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test.each(["others", "streams"] as const)("nothing is appended to a stream that %s have deleted", async (who) => {
    await using store = await openKnown();
    const { streams, stream } = store;
    await using another = await streams.openStream("b");
    await writeOften(another);
    await store[who].deleteStream("a");
    await writeOften(another);
    const writing = [stream.write({ type: "T", data: 0 }), another.write({ type: "T", data: 0 })];
    expect(await Promise.allSettled(writing)).toMatchObject([
      { status: "rejected", reason: { code: "STREAM_DELETED" } },
      { status: "fulfilled", value: { version: 2 * WRITES + 1 } },
    ]);
  });

  test.each(["before", "after"] as const)(
    "what a transaction appends is found where it was given its number %s the last append",
    async (when) => {
      await using store = await openKnown();
      const { stream, started, schema } = store;
      const client = new Client({ connectionString: started.url() });
      await client.connect();
      for (let round = 0; round < 3; round += 1) {
        const version = WRITES * (round + 1) + round * 3;
        const begin = () => client.query("BEGIN; SELECT pg_current_xact_id()");
        if (when === "before") await begin();
        await stream.write({ type: "T", data: 1 });
        if (when === "after") await begin();
        await client.query(`
          INSERT INTO ${schema}.es_events
          SELECT position + 1, stream, version + 1, timestamp, schema, type, id, key, data, bytes, metadata, checksum
          FROM ${schema}.es_events ORDER BY position DESC LIMIT 1;
          COMMIT`);

        expect(await stream.write({ type: "T", data: 2 })).toMatchObject({ version: version + 3 });
        await writeOften(stream);
      }
      await client.end();
    },
  );

  test("what is appended before an append has the lock is found where its transaction has a number already", async () => {
    await using store = await openKnown();
    const { stream, started, schema } = store;
    await started.query(`
      CREATE TABLE ${schema}.audits (at timestamptz);
      CREATE FUNCTION ${schema}.audit() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO ${schema}.audits VALUES (now());
        PERFORM pg_advisory_xact_lock(7);
        RETURN NULL;
      END $$;
      CREATE TRIGGER audit BEFORE INSERT ON ${schema}.es_events FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.audit()`);
    await writeOften(stream);
    const client = new Client({ connectionString: started.url() });
    await client.connect();
    await client.query("BEGIN; SELECT pg_advisory_xact_lock(7)");
    const writing = stream.write({ type: "T", data: 2 });
    const waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted";
    await expect.poll(async () => (await client.query(waiting)).rowCount).toBe(1);
    await client.query(`
      INSERT INTO ${schema}.es_events
      SELECT position + 1, stream, version + 1, timestamp, schema, type, id, key, data, bytes, metadata, checksum
      FROM ${schema}.es_events ORDER BY position DESC LIMIT 1;
      COMMIT`);
    await client.end();

    expect(await writing).toMatchObject({ version: 2 * WRITES + 2 });
  });

  test("a transaction of the same process counts", async () => {
    await using store = await openKnown();
    const { streams, stream } = store;
    for (let round = 0; round < 3; round += 1) {
      const version = WRITES + round * 2;
      expect(await streams.transaction((tx) => tx.write("a", { type: "T", data: 1 }))).toMatchObject({
        version: version + 1,
      });
      expect(await stream.write({ type: "T", data: 2 })).toMatchObject({ version: version + 2 });
    }
  });

  test.each([0, 3, WRITES])(
    "a store whose last events were taken back has no gap behind them, after %i of others",
    async (count) => {
      await using store = await openKnown();
      const { streams, stream, others, started, schema } = store;
      await started.query(`
      SET session_replication_role TO replica;
      DELETE FROM ${schema}.es_events WHERE position > 5`);
      await using theirs = await others.openStream("b");
      if (count > 0) await theirs.write(Array.from({ length: count }, (_, data) => ({ type: "Theirs", data })));

      expect(await stream.write({ type: "T", data: 1 })).toMatchObject({ version: 6 });
      expect(await streams.verify()).toMatchObject({ ok: true });
    },
  );

  test("nothing is remembered of any stream where the last events of the store were taken back", async () => {
    await using store = await openKnown();
    const { streams, stream, started, schema } = store;
    await using another = await streams.openStream("b");
    await writeOften(another);
    await started.query(`
      SET session_replication_role TO replica;
      DELETE FROM ${schema}.es_events WHERE position > 5`);

    expect(await another.write({ type: "T", data: 1 })).toMatchObject({ version: 1 });
    await writeOften(another);
    expect(await stream.write({ type: "T", data: 1 })).toMatchObject({ version: 6 });
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  /** Makes the store anew below those who have it open. */
  const makeAnew = (schema: string): string => `
    ALTER TABLE ${schema}.es_store RENAME TO es_gone;
    CREATE TABLE ${schema}.es_store (LIKE ${schema}.es_gone INCLUDING ALL);
    INSERT INTO ${schema}.es_store (schema_version) SELECT schema_version FROM ${schema}.es_gone`;

  test("a store that was made anew below an open one is noticed", async () => {
    await using store = await openKnown();
    const { stream, started, schema } = store;
    await started.query(makeAnew(schema));

    expect(await failureOf(stream.write({ type: "T", data: 1 }))).toMatchObject({ code: "STORAGE_REPLACED" });
  });

  test("whoever writes again and again to a store that was made anew holds up nothing else of the process", async () => {
    await using store = await openKnown();
    const { stream, started, schema } = store;
    await started.query(makeAnew(schema));
    // From now on it is known, and the server need not be asked.
    await failureOf(stream.write({ type: "T", data: 1 }));
    let hasFired = false;
    setTimeout(() => {
      hasFired = true;
    }, 1);
    const enough = 10_000;
    let failed = 0;
    while (!hasFired && failed < enough) {
      expect(await failureOf(stream.write({ type: "T", data: 1 }))).toMatchObject({ code: "STORAGE_REPLACED" });
      failed += 1;
    }

    expect(failed).toBeLessThan(enough);
  });

  test("clients that send queries ahead store the same", async () => {
    const pool = new Pool({ connectionString: (await server()).url(), pipeline: true } as PoolConfig);
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      await using stream = await streams.openStream("a");
      await writeOften(stream);
      expect(stream.version).toBe(WRITES);
    }
    await pool.end();
  });

  // Tools that trace queries do so, unless they are prepared under a name.
  test("a client that adds a comment to queries stores the same", async () => {
    const query = Client.prototype.query as (this: Client, ...args: unknown[]) => unknown;
    const commenting = vi.spyOn(Client.prototype, "query").mockImplementation(function (
      this: Client,
      ...args: unknown[]
    ) {
      const [config, ...others] = args;
      const isCommented = typeof config === "object" && config !== null && "text" in config && !("name" in config);
      return query.call(this, isCommented ? { ...config, text: `${config.text} /* traced */` } : config, ...others);
    } as Client["query"]);
    await using store = await openKnown();
    expect(store.stream.version).toBe(WRITES);
    commenting.mockRestore();
  });

  test.each([1, 2])("a write of %i whose answer is lost is stored once", async (count) => {
    const losing = { isArmed: false };
    const connect = PGClient.prototype.connect;
    const connecting = vi.spyOn(PGClient.prototype, "connect").mockImplementation(async function (this: PGClient) {
      const connection = await connect.call(this);
      const call = connection.call.bind(connection);
      connection.call = async (statement) => {
        const answer = await call(statement);
        if (!losing.isArmed) return answer;
        losing.isArmed = false;
        connection.destroy();
        throw new ConnectionLostError("on purpose");
      };
      return connection;
    });
    await using store = await openKnown();
    const { stream } = store;
    losing.isArmed = true;

    const events = Array.from({ length: count }, (_, data) => ({ type: "T", data }));
    expect(await stream.write(events)).toMatchObject({ version: WRITES + count, written: count });

    expect(losing.isArmed).toBe(false);
    await writeOften(stream);
    const { versions } = await readVersions(stream);
    expect(versions).toHaveLength(2 * WRITES + count);
    connecting.mockRestore();
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
