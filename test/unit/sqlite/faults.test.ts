import { describe, expect, test, vi } from "vitest";
import type { OpenMode, SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";
import type { StoredEvent, StreamFactory } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { type Fault, faultyDriver } from "../../support/faulty-driver.js";
import { overriding } from "../../support/overriding.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const isWrite = (sql: string): boolean => /INSERT INTO es_|BEGIN|COMMIT/.test(sql);

describe.each(DRIVER_NAMES)("over %s", (name) => {
  async function openFaulty(path: string, fault: Fault): Promise<StreamFactory> {
    return createStreamFactory(
      await openSQLiteBackend(path, { busyTimeoutMs: 100 }, faultyDriver(fault, DRIVERS[name])),
    );
  }

  describe("a write that fails in the database", () => {
    test.each([
      ["SQLITE_FULL", "STORAGE_FULL"],
      ["SQLITE_READONLY", "STORAGE_PERMISSION_DENIED"],
      ["SQLITE_NOMEM", "STORAGE_FAILED"],
    ])("of %s rejects with %s, and the store goes on when the cause is gone", async (code, expected) => {
      await using folder = await createTempDir();
      let isFailing = false;
      await using streams = await openFaulty(folder.file("store.db"), ({ sql }) =>
        isFailing && isWrite(sql) ? code : undefined,
      );
      const stream = await streams.openStream("a");
      await stream.write({ type: "A", data: 1 });
      isFailing = true;
      await expect(stream.write({ type: "B", data: 2 })).rejects.toMatchObject({
        code: expected,
        message: expect.stringMatching(/write to stream "a" in .*store\.db/),
        cause: expect.objectContaining({ code }),
      });
      isFailing = false;
      expect(await stream.write({ type: "C", data: 3 })).toEqual({ version: 2, position: 2, written: 1 });
    });
  });

  describe("damage that a call meets", () => {
    test.each([
      ["a write", "SQLITE_CORRUPT", /INSERT INTO es_|BEGIN/, "STORAGE_CORRUPT"],
      ["a write", "SQLITE_NOTADB", /INSERT INTO es_|BEGIN/, "STORAGE_NOT_A_DATABASE"],
      ["a read", "SQLITE_CORRUPT", /AS page/, "STORAGE_CORRUPT"],
    ])("is the end of writing, and not of reading (%s, %s)", async (call, code, sql, expected) => {
      await using folder = await createTempDir();
      let isDamaged = false;
      await using streams = await openFaulty(folder.file("store.db"), (statement) =>
        isDamaged && sql.test(statement.sql) ? code : undefined,
      );
      const stream = await streams.openStream("a");
      await stream.write({ type: "A", data: 1 });
      const read = () => stream.read()[Symbol.asyncIterator]().next();
      isDamaged = true;
      const meeting: Promise<unknown> = call === "a read" ? read() : stream.write({ type: "B", data: 2 });
      await expect(meeting).rejects.toMatchObject({ code: expected });
      isDamaged = false;

      const refused = { code: "STORAGE_CORRUPT", cause: expect.objectContaining({ code }) };
      await expect(stream.write({ type: "B", data: 2 })).rejects.toMatchObject(refused);
      await expect(stream.snapshot({ sum: 1 })).rejects.toMatchObject(refused);
      expect(await read()).toMatchObject({ value: { version: 1 } });
    });

    test("in a snapshot alone leaves events as they are", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = createStreamFactory(await openSQLiteBackend(path, { driver: name }));
      const stream = await streams.openStream("a");
      await stream.write({ type: "A", data: 1 });
      await stream.snapshot({ sum: 1 });
      const raw = await DRIVERS[name].open(path, "existing");
      await raw.exec("UPDATE es_snapshots SET checksum = checksum + 1");
      await raw.close();
      await expect(stream.loadSnapshot()).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
      expect(await stream.write({ type: "B", data: 2 })).toMatchObject({ version: 2 });
    });
  });

  test.each(["SQLITE_BUSY", "SQLITE_IOERR"])(
    "a statement that cannot be prepared ahead (%s) is left to the call that needs it",
    async (code) => {
      await using folder = await createTempDir();
      const driver = DRIVERS[name];
      let refused = 0;
      const refusing: SQLiteDriver = {
        ...driver,
        async open(path, mode) {
          return overriding(await driver.open(path, mode), {
            async prepare() {
              refused += 1;
              throw Object.assign(new Error(`${code}: on purpose`), { code });
            },
          });
        },
      };
      await using streams = createStreamFactory(await openSQLiteBackend(folder.file("store.db"), {}, refusing));
      expect(refused).toBeGreaterThan(0);
      const stream = await streams.openStream("a");
      expect(await stream.write({ type: "A", data: 1 })).toMatchObject({ version: 1, written: 1 });
    },
  );

  test("whichever call of a transaction fails first, nothing of the group is stored, and the next write is", async () => {
    await using folder = await createTempDir();
    for (let failing = 1; failing <= 8; failing += 1) {
      let calls = Number.NEGATIVE_INFINITY;
      await using streams = await openFaulty(folder.file(`store-${failing}.db`), ({ mode }) => {
        calls += mode === "create" ? 1 : 0;
        return calls === failing ? "SQLITE_FULL" : undefined;
      });
      const stream = await streams.openStream("a");
      calls = 0;
      const outcome = await stream
        .write([{ type: "A", data: 1, idempotencyKey: "k" }])
        .catch((error: unknown) => error);
      calls = Number.NEGATIVE_INFINITY;
      const stored = "written" in (outcome as object) ? 1 : 0;
      expect(await stream.metrics()).toMatchObject({ currentVersion: stored, eventCount: stored });
      expect(await stream.write({ type: "B", data: 2 })).toMatchObject({ version: stored + 1, written: 1 });
    }
  });

  test("a lock is waited for in short steps, and a write that waits goes through", async () => {
    let refusals = 3;
    await using streams = await openFaulty(":memory:", ({ sql }) => {
      if (!/INSERT INTO es_|BEGIN/.test(sql) || refusals === 0) return undefined;
      refusals -= 1;
      return "SQLITE_BUSY";
    });
    const stream = await streams.openStream("a");
    expect(await stream.write({ type: "A", data: 1 })).toMatchObject({ written: 1 });
    expect(refusals).toBe(0);
  });

  test("a read that fails says what was attempted, and a watcher gets the error", async () => {
    await using folder = await createTempDir();
    let isFailing = false;
    await using streams = await openFaulty(folder.file("store.db"), ({ sql, mode }) =>
      isFailing && mode === "readonly" && /AS page/.test(sql) ? "SQLITE_IOERR" : undefined,
    );
    const stream = await streams.openStream("a");
    await stream.write({ type: "A", data: 1 });
    isFailing = true;
    await expect(stream.read()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "STORAGE_IO",
      message: expect.stringContaining('read stream "a"'),
    });
    const failed = vi.fn();
    stream.watch({ after: 0 }).subscribe({ error: failed });
    await vi.waitFor(() => expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: "STORAGE_IO" })));
  });

  test("polls that fail cost a watcher nothing", async () => {
    await using folder = await createTempDir();
    let isFailing = false;
    const path = folder.file("store.db");
    await using streams = await openFaulty(path, ({ sql }) =>
      isFailing && /data_version/.test(sql) ? "SQLITE_IOERR" : undefined,
    );
    await using other = createStreamFactory(await openSQLiteBackend(path, {}, DRIVERS[name]));
    const seen: StoredEvent[] = [];
    (await streams.openStream("a")).watch().subscribe((event) => seen.push(event));
    const writer = await other.openStream("a");
    await writer.write({ type: "A", data: 1 });
    await vi.waitFor(() => expect(seen.length).toBe(1));
    isFailing = true;
    await writer.write({ type: "B", data: 2 });
    await vi.waitFor(() => expect(seen.map(({ type }) => type)).toEqual(["A", "B"]));
    isFailing = false;
    await writer.write({ type: "C", data: 3 });
    await vi.waitFor(() => expect(seen.map(({ type }) => type)).toEqual(["A", "B", "C"]));
  });

  test("whatever a driver throws, a call rejects with an error that says what was attempted", async () => {
    for (const thrown of [new Error("out of luck"), "out of luck"]) {
      const driver = faultyDriver(({ sql }) => {
        if (sql.includes("max(position)")) throw thrown;
        return undefined;
      }, DRIVERS[name]);
      await using streams = createStreamFactory(await openSQLiteBackend(":memory:", {}, driver));
      await expect(streams.openStream("@all")).rejects.toMatchObject({
        code: "STORAGE_FAILED",
        message: 'Cannot read the version of stream "@all" in :memory:: out of luck.',
        cause: thrown,
      });
    }
  });

  test("a file system without shared memory, where SQLite keeps another journal, is refused", async () => {
    const real = DRIVERS[name];
    const driver = {
      ...real,
      async open(path: string, mode: OpenMode) {
        const connection = await real.open(path, mode);
        const all = async <Row>(sql: string): Promise<Row[]> =>
          sql.includes("journal_mode") ? ([{ journal_mode: "delete" }] as Row[]) : connection.all<Row>(sql);
        return overriding(connection, { all });
      },
    };
    await expect(openSQLiteBackend(":memory:", {}, driver)).rejects.toMatchObject({
      code: "STORAGE_IO",
      message: expect.stringMatching(/journal mode "delete"\). Use a local disk/),
    });
  });

  test("an old SQLite is refused, since it can corrupt a database that several connections write", async () => {
    const old = faultyDriver(() => undefined, DRIVERS[name]);
    const driver = {
      ...old,
      async open(path: string, mode: OpenMode) {
        const connection = await old.open(path, mode);
        const all = async <Row>(sql: string): Promise<Row[]> =>
          sql.includes("sqlite_version") ? ([{ version: "3.45.1" }] as Row[]) : connection.all<Row>(sql);
        return { ...connection, all };
      },
    };
    await expect(openSQLiteBackend(":memory:", {}, driver)).rejects.toMatchObject({
      code: "STORAGE_DRIVER_UNSUPPORTED",
      message: expect.stringContaining("3.45.1"),
    });
  });
});
