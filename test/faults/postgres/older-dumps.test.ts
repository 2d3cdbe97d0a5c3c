import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { StreamFactory } from "../../../protocols/index.js";
import { type Fold, handle, loadState, stateCache } from "../../../src/commands/index.js";
import { copyStore } from "../../../src/copy/index.js";
import { sql } from "../../../src/transaction/sql-statement.js";
import { collect } from "../../conformance/support/collect.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { Observation } from "../../conformance/support/observation.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_STANDBY, type PostgresServer } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

async function write(streams: StreamFactory, count: number, type = "Written"): Promise<void> {
  await using stream = await streams.openStream("a");
  await stream.write(wholeNumbers(1, count).map((data) => ({ type, data })));
}

const counter: Fold<number, { type: string; data: number }> = {
  name: "counter",
  initial: () => 0,
  evolve: (count) => count + 1,
};

/** Puts a dump in the place of the store that is there. */
async function restore(server: PostgresServer, schema: string, dump: string): Promise<void> {
  // What begins with a backslash is for psql.
  const statements = dump.replaceAll(/^\\.*$/gm, "");
  await server.query(`DROP SCHEMA ${schema} CASCADE; ${statements}`);
}

interface ReplacedStore {
  readonly server: PostgresServer;
  readonly schemas: ReturnType<typeof ownSchemas>;
  readonly dump: string;
}

const WENT_BACK = "STORAGE_WENT_BACK";
const REPLACED = "STORAGE_REPLACED";

const CHANGES: readonly (readonly [string, string, (store: ReplacedStore) => Promise<void>])[] = [
  ["an older dump is restored", WENT_BACK, ({ server, schemas, dump }) => restore(server, schemas.schema, dump)],
  [
    "an older dump is restored, and has grown past what was there",
    WENT_BACK,
    async ({ server, schemas, dump }) => {
      await restore(server, schemas.schema, dump);
      await using other = await postgresStreamFactory(server.url(), schemas);
      await write(other, 50, "Other");
    },
  ],
  [
    "the store is dropped and made anew, with more events",
    REPLACED,
    async ({ server, schemas }) => {
      await server.query(`DROP SCHEMA ${schemas.schema} CASCADE`);
      await using other = await postgresStreamFactory(server.url(), schemas);
      await write(other, 50, "Other");
    },
  ],
  [
    "the store is dropped",
    REPLACED,
    async ({ server, schemas }) => {
      await server.query(`DROP SCHEMA ${schemas.schema} CASCADE`);
    },
  ],
];

if (NO_STANDBY === null) {
  const server = sharedServer();

  describe.each(CHANGES)("when %s", (_, code, change) => {
    test("watches end, and nothing is decided or written on what a program remembers", async () => {
      const started = await server();
      const schemas = ownSchemas();
      const options = { ...schemas, pollIntervalMs: 20 };
      await using streams = await postgresStreamFactory(started.url(), options);
      await using remembering = await postgresStreamFactory(started.url(), options);
      await write(streams, 3);
      const dump = await started.dump(schemas.schema);
      await write(streams, 3);
      await using stream = await streams.openStream("a");
      await using remembered = await remembering.openStream("a");
      const [observation, following] = [new Observation(stream.watch({ after: 0 })), new Observation(stream.watch())];
      await expect.poll(() => observation.events.length).toBe(6);
      const cache = stateCache();
      expect(await loadState(remembering, counter, "a", { cache })).toEqual({ state: 6, version: 6 });

      await change({ server: started, schemas, dump });
      const decidedOn: number[] = [];
      const decide = (count: number) => {
        decidedOn.push(count);
        return { type: "Decided", data: count };
      };
      expect(await failureOf(handle(remembering, counter, "a", decide, { cache }))).toMatchObject({ code });
      expect(decidedOn).toEqual([]);
      const writing = remembered.write({ type: "Decided", data: null }, { expectedVersion: 6 });
      expect(await failureOf(writing)).toMatchObject({ code });
      await expect.poll(() => observation.errors).toMatchObject([{ code }]);
      await expect.poll(() => following.errors).toMatchObject([{ code }]);
      expect(observation.events.length).toBe(6);
      expect(await failureOf(collect(stream.read()))).toMatchObject({ code });

      await using reopened = await postgresStreamFactory(started.url(), schemas);
      const events = await collect((await reopened.openStream("a")).read());
      expect(events.filter(({ type }) => type === "Decided")).toEqual([]);
    });
  });

  test("all calls fail once the store was found to be another, with the library's errors", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), schemas);
    await write(streams, 3);
    await using stream = await streams.openStream("a");
    await streams.query(sql`SELECT 1`);
    await started.query(`DROP SCHEMA ${schemas.schema} CASCADE`);
    await using other = await postgresStreamFactory(started.url(), schemas);
    await write(other, 50, "Other");
    const refusal = { name: "StorageError", code: REPLACED, message: expect.stringContaining(" in postgresql://") };
    expect(await failureOf(stream.write({ type: "Written", data: 4 }))).toMatchObject(refusal);

    await using to = memoryStreamFactory();
    for (const call of [
      () => streams.query(sql`SELECT 1`),
      () => stream.metrics(),
      () => streams.verify(),
      () => copyStore(streams, to),
      () => streams.backup(join(tmpdir(), "never-made.db")),
    ]) {
      expect(await failureOf(call()), String(call)).toMatchObject(refusal);
    }
  });

  test("a dump that has everything that was seen takes the place of the store unnoticed", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), { ...schemas, pollIntervalMs: 20 });
    await write(streams, 3);
    await using stream = await streams.openStream("a");
    const observation = new Observation(stream.watch({ after: 0 }));
    await expect.poll(() => observation.events.length).toBe(3);

    await restore(started, schemas.schema, await started.dump(schemas.schema));
    await stream.write({ type: "Written", data: 4 }, { expectedVersion: 3 });
    await streams.transaction((tx) => tx.write("a", { type: "Written", data: 5 }));
    await using other = await postgresStreamFactory(started.url(), schemas);
    await (await other.openStream("a")).write({ type: "Written", data: 6 });

    await expect.poll(() => observation.events.map(({ version }) => version)).toEqual(wholeNumbers(1, 6));
    observation.unsubscribe();
  });
} else {
  test(NO_STANDBY, () => undefined);
}
