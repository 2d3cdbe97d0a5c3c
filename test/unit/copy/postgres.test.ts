import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { copyStore } from "../../../src/copy/index.js";
import { migrate } from "../../../src/migrations/index.js";
import { counted, countedUpTo } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { contentsOf, fillRichly } from "./support/rich-store.js";

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const open = async (schemas = ownSchemas()) =>
    postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });

  test("from SQLite to PostgreSQL and back everything is in its place", async () => {
    await using from = await sqliteStreamFactory(":memory:");
    await using between = await open();
    await using back = await sqliteStreamFactory(":memory:");
    await fillRichly(from);
    await copyStore(from, between);
    expect(await contentsOf(between)).toEqual(await contentsOf(from));
    expect(await between.verify()).toMatchObject({ problems: [] });

    await copyStore(between, back);
    expect(await contentsOf(back)).toEqual(await contentsOf(from));
    expect(await back.verify()).toMatchObject({ problems: [] });
  });

  test("a copy of a store in PostgreSQL behaves like it", async () => {
    await using from = await open();
    await using to = await open();
    await fillRichly(from);
    await copyStore(from, to);
    expect(await contentsOf(to)).toEqual(await contentsOf(from));

    await using pruned = await to.openStream("pruned");
    expect(await pruned.write({ ...counted(3), idempotencyKey: "k3" })).toMatchObject({ written: 0, version: 3 });
    expect(await pruned.write(counted(31), { expectedVersion: 30 })).toMatchObject({ version: 31 });
    await using deleted = await to.openStream("deleted");
    await expect(deleted.write(counted(1))).rejects.toMatchObject({ code: "STREAM_DELETED" });
    expect(await to.verify()).toMatchObject({ problems: [] });
  });

  test("an unfinished copy is refused until it is complete, and brought up to date later", async () => {
    const schemas = ownSchemas();
    await using from = memoryStreamFactory();
    await using stream = await from.openStream("long");
    await stream.write(countedUpTo(6_000));
    {
      await using to = await open(schemas);
      const signal = new AbortController();
      const copying = copyStore(from, to, {
        signal: signal.signal,
        onProgress: () => signal.abort(new Error("enough")),
      });
      await expect(copying).rejects.toThrow("enough");
    }
    await using to = await open(schemas);
    await expect(to.openStream("long")).rejects.toMatchObject({ code: "STORAGE_COPY_UNFINISHED" });
    await copyStore(from, to);
    expect(await contentsOf(to)).toEqual(await contentsOf(from));

    await fillRichly(from);
    await from.pruneStream("long", { before: 5_000 });
    await copyStore(from, to);
    await from.pruneStream("pruned", { before: 30, forgetKeys: true });
    await from.transaction(({ records }) => records.delete("space", "changed"));
    await copyStore(from, to);
    expect(await contentsOf(to)).toEqual(await contentsOf(from));
    expect(await to.verify()).toMatchObject({ problems: [] });
    await using copied = await to.openStream("long");
    expect(await copied.write(counted(6_001))).toMatchObject({ version: 6_001 });
    await expect(copyStore(from, to)).rejects.toMatchObject({ code: "STORAGE_TARGET_EXISTS" });
  });

  test("writers of the source go on, and the copy is what it was at one moment", async () => {
    await using from = await open();
    await using to = await sqliteStreamFactory(":memory:");
    await using stream = await from.openStream("a");
    await stream.write(countedUpTo(3_000));
    let isCopying = true;
    const writing = (async () => {
      for (let count = 0; isCopying; count += 1) {
        await from.transaction(async (tx) => {
          const { version } = await tx.write("a", counted(count));
          await tx.records.put("state", "version", { version });
        });
      }
    })();
    const report = await copyStore(from, to);
    isCopying = false;
    await writing;
    const record = await to.transaction(({ records }) => records.get("state", "version"));
    expect(record?.value ?? { version: 3_000 }).toEqual({ version: report.events });
    expect(await to.describeStream("a")).toMatchObject({ version: report.events });
  });

  test("the application's tables are not left behind unnoticed", async () => {
    await using from = await open();
    await using to = memoryStreamFactory();
    await migrate(from, [{ id: "1", up: "CREATE TABLE orders (id int); CREATE TABLE lines (id int)" }]);
    await expect(copyStore(from, to)).rejects.toMatchObject({
      code: "STORAGE_UNSUPPORTED",
      message: expect.stringMatching(/\("lines", "orders"\).*`migrate`.*`pg_dump`/),
    });
    expect(await copyStore(from, to, { tables: "none" })).toMatchObject({ events: 0 });
  });
  test("a copy takes longer than the role may have a transaction idle", async () => {
    const started = await server();
    await started.query("DROP ROLE IF EXISTS hasty; CREATE ROLE hasty SUPERUSER LOGIN");
    const url = started.url().replace("//postgres@", "//hasty@");
    await using from = await postgresStreamFactory(url, { ...ownSchemas(), durability: "normal" });
    await using to = memoryStreamFactory();
    await using stream = await from.openStream("a");
    await stream.write(countedUpTo(3_000));
    // Sessions that are open have it not.
    await started.query("ALTER ROLE hasty SET idle_in_transaction_session_timeout TO 1");
    expect(await copyStore(from, to)).toMatchObject({ events: 3_000 });
  });

  test("a damaged event or snapshot is not copied, and the error names the store", async () => {
    const schemas = ownSchemas();
    await using from = await open(schemas);
    await using stream = await from.openStream("a");
    await stream.write(countedUpTo(3));
    await stream.snapshot({ count: 3 }, { version: 3 });
    const change = async (text: string) => (await server()).query(text.replaceAll("es_", `${schemas.schema}.es_`));
    const refused = (message: RegExp) => ({ code: "STORAGE_CORRUPT", message: expect.stringMatching(message) });

    await change("UPDATE es_snapshots SET codec = 'bytes'");
    await using noSnapshot = memoryStreamFactory();
    await expect(copyStore(from, noSnapshot)).rejects.toMatchObject(
      refused(/^Cannot load the snapshot "default" of stream "a" at 3 in postgresql:\S+: it is damaged/),
    );
    await change("ALTER TABLE es_events DISABLE TRIGGER USER; UPDATE es_events SET timestamp = 1 WHERE position = 2");
    await using noEvent = memoryStreamFactory();
    await expect(copyStore(from, noEvent)).rejects.toMatchObject({
      ...refused(/^Cannot copy the event at position 2 in postgresql:\S+: it is not what was written/),
      ...{ streamId: "a", version: 2, position: 2 },
    });
  });
  test.each([
    ["es_records", "key"],
    ["es_records", "value"],
    ["es_keys", "id"],
    ["es_snapshots", "projection"],
  ])("a row of %s that has lost its %s is reported as damage", async (table, column) => {
    const schemas = ownSchemas();
    await using from = await open(schemas);
    await using to = memoryStreamFactory();
    await fillRichly(from);
    await (await server()).query(`ALTER TABLE ${schemas.schema}.${table} ALTER ${column} DROP NOT NULL;
      UPDATE ${schemas.schema}.${table} SET ${column} = NULL`);
    await expect(copyStore(from, to)).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(
        `^Cannot copy the store postgresql:\\S+: a row of its table ${table} lacks a value`,
      ),
    });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
