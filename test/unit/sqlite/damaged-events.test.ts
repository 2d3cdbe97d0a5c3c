import { describe, expect, test } from "vitest";
import type { SQLiteConnection } from "../../../adapters/sqlite/drivers/driver.js";
import { type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { execLax } from "../../support/lax-definition.js";
import { readVersions } from "../../support/read-versions.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const EVENTS = 40;
const DAMAGED = 17;

/** Opens a store one of whose events was changed behind the library's back, and more with it. */
async function openDamaged(
  driver: DriverName,
  change: string,
  more: (connection: SQLiteConnection) => Promise<void> = async () => undefined,
) {
  const folder = await createTempDir();
  const path = folder.file("store.db");
  {
    await using streams = await sqliteStreamFactory(path, { driver });
    const events = Array.from({ length: EVENTS }, (_, index) => ({ type: "Counted", data: { index } }));
    await (await streams.openStream("before")).write({ type: "First", data: 1 });
    await (await streams.openStream("a")).write(events);
  }
  const connection = await DRIVERS[driver].open(path, "create");
  await connection.exec(`PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF; DROP TRIGGER es_events_are_never_changed;
    UPDATE es_events SET ${change} WHERE version = ${DAMAGED}`);
  await more(connection);
  await connection.close();
  const streams = await sqliteStreamFactory(path, { driver });
  return {
    streams,
    stream: await streams.openStream("a"),
    reopen: (options: SQLiteOptions) => sqliteStreamFactory(path, { driver, ...options }),
    async [Symbol.asyncDispose]() {
      await streams[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Gives the second name of a table another type, which the schema refuses. */
function renaming(table: string, name: string) {
  const isLax = { table, definition: "TEXT NOT NULL UNIQUE", lax: "ANY NOT NULL UNIQUE" };
  const rename = `UPDATE ${table} SET name = ${name} WHERE id = (SELECT max(id) FROM ${table})`;
  return (connection: SQLiteConnection) => execLax(connection, isLax, rename);
}

const range = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index);

const DAMAGES = [
  ["data that ends too early", `data = '{"index":'`],
  ["data with a NUL character", `data = '{"index":1' || char(0) || '}'`],
  ["metadata that is not JSON", "metadata = '{'"],
  ["data that breaks out of its row", `data = '1,null],[18,99,0,0,0,"Counted","forged",{"index":1}'`],
  ["data that breaks out into the metadata", `data = '1,{"by":"nobody"}'`],
  ["large data that is not JSON", "codec = 2, data = '{'"],
] as const;

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  describe.each(DAMAGES)("an event with %s", (_, change) => {
    test("ends a read with its place, behind everything that comes before it", async () => {
      await using damaged = await openDamaged(driver, change);
      const { versions, error } = await readVersions(damaged.stream);
      expect(versions).toEqual(range(1, DAMAGED - 1));
      expect(error).toMatchObject({
        code: "STORAGE_CORRUPT",
        ...{ streamId: "a", version: DAMAGED, position: DAMAGED + 1 },
        message: expect.stringMatching(/version 17 of stream "a" in \S+ \(position 18\).*with after: 17/),
      });
    });

    test("leaves what lies behind it readable, in both directions and in @all", async () => {
      await using damaged = await openDamaged(driver, change);
      expect(await readVersions(damaged.stream, { after: DAMAGED })).toEqual({ versions: range(DAMAGED + 1, EVENTS) });
      const backward = await readVersions(damaged.stream, { direction: "backward" });
      expect(backward.versions).toEqual(range(DAMAGED + 1, EVENTS).reverse());
      expect(backward.error).toMatchObject({ message: expect.stringMatching(/with upTo: 16/) });
      const all = await damaged.streams.openStream("@all");
      expect((await readVersions(all, { after: 1 })).error).toMatchObject({ version: DAMAGED, position: DAMAGED + 1 });
      expect(await readVersions(all, { after: DAMAGED + 1 })).toEqual({ versions: range(DAMAGED + 1, EVENTS) });
    });

    test("is not passed over by a filter that looks into it", async () => {
      await using damaged = await openDamaged(driver, change);
      const { versions, error } = await readVersions(damaged.stream, {
        filter: [{ field: "data.index", op: ">=", value: 10 }],
      });
      expect(versions).toEqual(range(11, DAMAGED - 1));
      expect(error).toMatchObject({ code: "STORAGE_CORRUPT", version: DAMAGED });
    });
  });

  test.each([["data"], ["metadata"]] as const)(
    "an event is named by an opening that cannot index it: %s",
    async (column) => {
      await using damaged = await openDamaged(driver, `${column} = '{"a":'`);
      const indexes = [`${column}.index`] as const;
      await expect(damaged.reopen({ indexes })).rejects.toMatchObject({
        code: "STORAGE_CORRUPT",
        ...{ streamId: "a", version: DAMAGED, position: DAMAGED + 1 },
        message: expect.stringMatching(
          /^Cannot build an index in \S+: the data or metadata of version 17 of stream "a" \(position 18\).*"readonly"/,
        ),
      });
      for (const options of [{}, { indexes, mode: "readonly" }] as const) {
        await using streams = await damaged.reopen(options);
        expect((await readVersions(await streams.openStream("a"))).versions).toEqual(range(1, DAMAGED - 1));
      }
    },
  );

  test("an event with large data that is a number ends a read, and is not so many zeros", async () => {
    await using damaged = await openDamaged(driver, "codec = 3, data = 7");
    const { versions, error } = await readVersions(damaged.stream);
    expect(versions).toEqual(range(1, DAMAGED - 1));
    expect(error).toMatchObject({ code: "STORAGE_CORRUPT", streamId: "a", version: DAMAGED, position: DAMAGED + 1 });
  });

  test("an event whose type is not there ends a read", async () => {
    await using damaged = await openDamaged(driver, "type = 77");
    const { versions, error } = await readVersions(damaged.stream);
    expect(versions).toEqual(range(1, DAMAGED - 1));
    const message = /version 17 of stream "a" in \S+ \(position 18\): its type is not there.*with after: 17/;
    expect(error).toMatchObject({ code: "STORAGE_CORRUPT", version: DAMAGED, message: expect.stringMatching(message) });
    expect(await readVersions(damaged.stream, { after: DAMAGED })).toEqual({ versions: range(DAMAGED + 1, EVENTS) });
    const all = await readVersions(await damaged.streams.openStream("@all"), { after: 1 });
    expect(all.versions).toEqual(range(1, DAMAGED - 1));
    expect(all.error).toMatchObject({ version: DAMAGED, position: DAMAGED + 1 });
  });

  test.each([
    [
      "a type",
      "es_types",
      "CAST(name AS BLOB)",
      /version 1 of stream "a" in \S+ \(position 2\): its type is not there/,
    ],
    ["a type", "es_types", "7", /version 1 of stream "a" in \S+ \(position 2\): its type is not there/],
    ["a stream", "es_streams", "CAST(name AS BLOB)", /position 2\): the stream that it belongs to is not there/],
    ["a stream", "es_streams", "7", /position 2\): the stream that it belongs to is not there/],
    ["a stream", "es_streams", "0", /position 2\): the stream that it belongs to is not there/],
  ])("the name of %s that is no text ends a read: %s %s", async (_what, table, name, message) => {
    await using damaged = await openDamaged(driver, "data = data", renaming(table, name));
    const all = await damaged.streams.openStream("@all");
    const stored: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const { position } of all.read()) stored.push(position);
    };
    await expect(reading()).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(message),
    });
    expect(stored).toEqual([1]);
  });

  test("a version that its stream lacks ends a read, in both directions and in @all", async () => {
    await using damaged = await openDamaged(driver, "stream = 77");
    const { versions, error } = await readVersions(damaged.stream);
    expect(versions).toEqual(range(1, DAMAGED - 1));
    const message = /Cannot read version 17 of stream "a" in \S+: not there.*with after: 17/;
    expect(error).toMatchObject({ code: "STORAGE_CORRUPT", message: expect.stringMatching(message) });
    expect((await readVersions(damaged.stream, { after: DAMAGED - 1 })).versions).toEqual([]);
    expect(await readVersions(damaged.stream, { after: DAMAGED })).toEqual({ versions: range(DAMAGED + 1, EVENTS) });
    const backward = await readVersions(damaged.stream, { direction: "backward" });
    expect(backward.versions).toEqual(range(DAMAGED + 1, EVENTS).reverse());
    expect(backward.error).toMatchObject({ message: expect.stringMatching(/version 17 .*with upTo: 16/) });
    expect(await readVersions(damaged.stream, { direction: "backward", upTo: DAMAGED - 1 })).toEqual({
      versions: range(1, DAMAGED - 1).reverse(),
    });
    const all = await damaged.streams.openStream("@all");
    expect((await readVersions(all)).error).toMatchObject({
      message: expect.stringMatching(
        /an event in \S+ \(position 18\): the stream that it belongs to is not there.*with after: 18/,
      ),
    });
    expect(await readVersions(all, { after: DAMAGED + 1 })).toEqual({ versions: range(DAMAGED + 1, EVENTS) });
  });
});
