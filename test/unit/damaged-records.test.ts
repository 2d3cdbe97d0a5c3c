import { describe, expect, onTestFinished, test } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../postgres.js";
import type { EventShape, MaintainableStreamFactory } from "../../protocols/index.js";
import { consume, dropConsumer } from "../../src/consumers/index.js";
import { copyStore } from "../../src/copy/index.js";
import { documents, readDocument, runProjections, whenProcessed } from "../../src/projections/index.js";
import { sql } from "../../src/transaction/sql-statement.js";
import { NO_POSTGRES, THROWAWAY } from "../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../support/postgres-stores.js";
import { DRIVERS } from "../support/sqlite-drivers.js";
import { createTempDir } from "../support/temp-dir.js";
import type { Store } from "./consumers/support/stores.js";

/** A store, and what damages the record of a key. */
interface DamagedStore {
  readonly streams: Store & MaintainableStreamFactory;
  readonly damage: (key: string, value: string) => Promise<unknown>;
}

/** Has a store disposed of at the end of the test. */
function used<T extends AsyncDisposable>(store: T): T {
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}

async function inFile(): Promise<DamagedStore> {
  const path = used(await createTempDir()).file("store.db");
  const streams = used(await sqliteStreamFactory(path));
  const damage = async (key: string, value: string) => {
    const connection = await DRIVERS.sqlite3.open(path, "existing");
    await connection.run("UPDATE es_records SET value = ?2 WHERE key = ?1", [key, value]);
    await connection.close();
  };
  return { streams, damage };
}

const server = sharedServer(THROWAWAY);

async function onServer(): Promise<DamagedStore> {
  const schemas = ownSchemas();
  const started = await server();
  const streams = used(await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" }));
  const update = `UPDATE ${schemas.schema}.es_records SET value = $2 WHERE key = convert_to($1, 'UTF8')`;
  return { streams, damage: (key, value) => started.query(update, [key, value]) };
}

const STORES: [string, () => Promise<DamagedStore>][] = [["SQLite", inFile]];
if (NO_POSTGRES === null) STORES.push(["PostgreSQL", onServer]);

const CORRUPT = (what: string) => ({
  code: "STORAGE_CORRUPT",
  message: expect.stringMatching(
    `Cannot read ${what} in (postgresql:|/)\\S+: its value is not the JSON that was stored`,
  ),
});

describe.each(STORES)("over %s", (_, open) => {
  test.each(['{"dark":', '{"dark":true}}', "[true]", "null", ""])(
    "a record that became %j is reported as damaged, and can be stored again",
    async (value) => {
      const { streams, damage } = await open();
      await streams.transaction(({ records }) => records.put("settings", "theme", { dark: true }));
      await damage("theme", value);
      const theme = CORRUPT('the record "theme" of "settings"');
      await expect(streams.transaction(({ records }) => records.get("settings", "theme"))).rejects.toMatchObject(theme);
      await expect(streams.transaction(({ records }) => records.list("settings"))).rejects.toMatchObject(theme);
      const to = used(memoryStreamFactory());
      await expect(copyStore(streams, to)).rejects.toMatchObject(theme);
      const detail = 'the record "theme" of "settings" is not the JSON object that was stored';
      expect((await streams.verify()).problems).toEqual([{ kind: "record", detail }]);
      await streams.transaction(({ records }) => records.put("settings", "theme", { dark: false }));
      const found = await streams.transaction(({ records }) => records.get("settings", "theme"));
      expect(found?.value).toEqual({ dark: false });
      expect(await streams.verify()).toMatchObject({ ok: true });
    },
  );

  test("metadata of a stream that is no JSON is reported as damaged, and the stream can be read", async () => {
    const { streams, damage } = await open();
    const stream = await streams.openStream("a");
    await stream.write({ type: "Counted", data: 1 });
    await streams.setStreamMetadata("a", { owner: "ada" });
    await damage("a", '{"owner"');
    const metadata = CORRUPT('the metadata of stream "a"');
    await expect(streams.describeStream("a")).rejects.toMatchObject(metadata);
    await expect(streams.listStreams()[Symbol.asyncIterator]().next()).rejects.toMatchObject(metadata);
    const { problems } = await streams.verify();
    expect(problems).toEqual([{ kind: "record", streamId: "a", detail: expect.stringContaining('"a" of "@streams"') }]);
    const found = await stream.read()[Symbol.asyncIterator]().next();
    expect(found.value).toMatchObject({ version: 1, data: 1 });
  });

  test("each of many records is checked, whatever its key", async () => {
    const { streams, damage } = await open();
    const keys = Array.from({ length: 151 }, (_, index) =>
      index % 2 === 0 ? `\u{ffff}${index}` : `\u{1f600}\0${index}`,
    );
    await streams.transaction(async ({ records }) => {
      for (const key of keys) for (const space of ["a", "a\0b"]) await records.put(space, key, { key });
    });
    expect(await streams.verify()).toMatchObject({ ok: true });
    await damage("\u{ffff}150", "{}}");
    expect((await streams.verify()).problems).toEqual([
      { kind: "record", detail: expect.stringContaining('"\u{ffff}150" of "a"') },
      { kind: "record", detail: expect.stringContaining('"\u{ffff}150" of "a\0b"') },
    ]);
  });

  test("a record that is not what the library stores is named with its store", async () => {
    const { streams, damage } = await open();
    const mail = { name: "mail", startFrom: "beginning", handle: async () => undefined } as const;
    await (await consume(streams, mail)).stop();
    const totals = documents<number, EventShape>({ name: "totals", evolve: (total) => (total ?? 0) + 1 });
    await (await runProjections(streams, [totals]))[Symbol.asyncDispose]();
    await damage("mail", '{"partitions":"many"}');
    await damage("totals@1", '{"position":"end"}');
    const corrupt = (record: string) => ({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(
        `[Cc]annot read the record ${record} in (postgresql:|/)\\S+: its field \\w+ is not what`,
      ),
    });
    const group = corrupt('"mail" of "@consumer-groups"');
    await expect(consume(streams, mail)).rejects.toMatchObject(group);
    await expect(dropConsumer(streams, "mail")).rejects.toMatchObject(group);
    const build = corrupt('"totals@1" of "@projections"');
    await expect(runProjections(streams, [totals])).rejects.toMatchObject(build);
    await expect(whenProcessed(streams, "totals", 1)).rejects.toMatchObject(build);
  });

  test("a document that is no JSON is reported as damaged", async () => {
    const { streams } = await open();
    const totals = documents<number, EventShape>({ name: "totals", evolve: (total) => (total ?? 0) + 1 });
    const { position } = await (await streams.openStream("a")).write({ type: "Counted", data: 1 });
    used(await runProjections(streams, [totals]));
    await whenProcessed(streams, "totals", position, { timeoutMs: 30_000 });
    await streams.transaction((tx) => tx.sql.run(sql`UPDATE totals__1 SET document = '{'`));
    await expect(readDocument(streams, "totals", "a")).rejects.toMatchObject(CORRUPT('the document "a" of "totals"'));
  });
});

test("a damaged record of a projection ends a backup without its tables, and names the store", async () => {
  const { streams, damage } = await inFile();
  const totals = documents<number, EventShape>({ name: "totals", evolve: (total) => (total ?? 0) + 1 });
  await (await runProjections(streams, [totals]))[Symbol.asyncDispose]();
  await damage("totals@1", "{");
  const backup = streams.backup(used(await createTempDir()).file("copy.db"), { tables: "projections-excluded" });
  await expect(backup).rejects.toMatchObject(CORRUPT('the record "totals@1" of "@projections"'));
});
