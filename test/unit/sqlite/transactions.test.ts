import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { ALL_STREAM, type CandidateEvent, sql, type Transaction } from "../../../index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { Gate, holdTransaction } from "../../conformance/support/transactions.js";
import { openStoreOver } from "../../support/open-store.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const numbered = (data: number): CandidateEvent => ({ type: "Numbered", data });
const LONG = sql`
  WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000000) SELECT count(*) AS n FROM c`;

describe.each(DRIVER_NAMES)("transactions over %s", (driver) => {
  describe("while another factory holds the lock", () => {
    test("fail with STORAGE_LOCKED after busyTimeoutMs, each counted from its own call", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using holder = await sqliteStreamFactory(path, { driver });
      await using streams = await sqliteStreamFactory(path, { driver, busyTimeoutMs: 1_000 });
      const held = holdTransaction(holder);
      await held.hasBegun;
      const first = failureOf(streams.transaction((tx) => tx.write("a", numbered(1))));
      await delay(800);
      const second = streams.transaction((tx) => tx.write("a", numbered(2)));
      const settled = second.catch((error: unknown) => error);

      expect(await first).toMatchObject({ code: "STORAGE_LOCKED", message: expect.stringContaining("transaction") });
      // The second has waited for a part of its time only.
      held.finish();
      await held.result;
      expect(await settled).toMatchObject({ version: 1, position: 1 });
    });

    test("begin once it is free, and see what was committed", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using holder = await sqliteStreamFactory(path, { driver });
      await using streams = await sqliteStreamFactory(path, { driver });
      await streams.transaction((tx) => tx.write("a", numbered(0)));
      const held = holdTransaction(holder, (tx) => tx.write("a", numbered(1)));
      await held.hasBegun;
      const waiting = streams.transaction(async (tx) => {
        const { position } = tx;
        return { position, result: await tx.write("a", numbered(2), { expectedVersion: 2 }) };
      });
      held.finish();

      expect(await waiting).toEqual({ position: 2, result: { version: 3, position: 3, written: 1 } });
    });

    test("that runs the callback end by its time-out, and both go on", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = await sqliteStreamFactory(path, { driver });
      await using foreign = await sqliteStreamFactory(path, { driver });
      const other = await foreign.openStream("b");
      const late = new Gate();
      const outer = streams.transaction(
        async (tx) => {
          await tx.write("a", numbered(1));
          const result = other.write(numbered(2));
          void result.then(late.open);
          await result;
        },
        { timeoutMs: 100 },
      );

      expect(await failureOf(outer)).toMatchObject({ code: "TRANSACTION_TIMEOUT" });
      await late.opened;
      expect(await streams.transaction((tx) => tx.write("a", numbered(3)))).toEqual({
        version: 1,
        position: 2,
        written: 1,
      });
    });
  });

  test("that are aborted while they wait reject at once, and never begin", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
    const held = holdTransaction(streams);
    await held.hasBegun;
    const controller = new AbortController();
    let hasBegun = false;
    const begin = async () => {
      hasBegun = true;
    };
    const waiting = failureOf(streams.transaction(begin, { signal: controller.signal }));
    const reason = new Error("changed my mind");
    controller.abort(reason);

    // The one before has not ended yet.
    expect(await waiting).toBe(reason);
    held.finish();
    await held.result;
    expect(await streams.transaction(async () => hasBegun)).toBe(false);
  });

  test("that take too long wait for the statement that runs, and then roll back", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
    await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE t (n)`));
    const neighbour = streams.transaction((tx) => tx.write("a", numbered(1)));
    const slow = streams.transaction(
      async (tx) => {
        await tx.sql.run(sql`INSERT INTO t VALUES (1)`);
        await tx.sql.all(LONG);
        await tx.sql.run(sql`INSERT INTO t VALUES (2)`);
        // On the main thread the time is over once the statement has ended.
        await delay(1_000);
      },
      { timeoutMs: 20 },
    );

    expect(await failureOf(slow)).toMatchObject({ code: "TRANSACTION_TIMEOUT" });
    expect(await neighbour).toMatchObject({ version: 1 });
    expect(await streams.query(sql`SELECT n FROM t`)).toEqual([]);
  });

  test("that run or wait are finished before a disposal is, and later ones are refused", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    const streams = await sqliteStreamFactory(path, { driver });
    const held = holdTransaction(streams, (tx) => tx.write("a", numbered(1)));
    await held.hasBegun;
    const waiting = streams.transaction((tx) => tx.write("a", numbered(2)));
    const disposal = streams[Symbol.asyncDispose]();

    expect(await failureOf(streams.transaction(async () => 1))).toMatchObject({ name: "StreamClosedError" });
    expect(await failureOf(streams.query(sql`SELECT 1`))).toMatchObject({ name: "StreamClosedError" });
    held.finish();
    await disposal;
    expect(await waiting).toMatchObject({ version: 2 });
    await using reopened = await sqliteStreamFactory(path, { driver });
    expect(await reopened.transaction((tx) => tx.version("a"))).toBe(2);
  });

  test("come to a watcher as one batch each, after the commit", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
    const all = await streams.openStream(ALL_STREAM);
    const controller = new AbortController();
    const seen: unknown[] = [];
    const watching = (async () => {
      for await (const { streamId, data } of all.watch({ signal: controller.signal })) {
        seen.push([streamId, data]);
        if (seen.length === 4) return;
      }
    })();
    const both = async (tx: Transaction) => {
      await tx.write("a", numbered(1));
      await tx.write("b", numbered(2));
      expect(seen).toEqual([]);
    };
    await streams.transaction(both);
    await failureOf(
      streams.transaction(async (tx) => {
        await tx.write("a", numbered(99));
        throw new Error("undone");
      }),
    );
    await streams.writeAll([
      { streamId: "b", events: numbered(3) },
      { streamId: "a", events: numbered(4) },
    ]);
    await watching;
    controller.abort();

    expect(seen).toEqual([
      ["a", 1],
      ["b", 2],
      ["b", 3],
      ["a", 4],
    ]);
  });
});

describe("records over SQLite", () => {
  test("are listed in the order of code points, and by a prefix of any", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    const keys = ["\u{10ffff}", "a", "\uffff", "\u{1f600}", "\u{1f600}\u{10ffff}", "a\0b", "aa", "B", "\u{1f601}"];
    const inOrder = ["B", "a", "a\0b", "aa", "\uffff", "\u{1f600}", "\u{1f600}\u{10ffff}", "\u{1f601}", "\u{10ffff}"];
    await streams.transaction(async (tx) => {
      for (const key of keys) await tx.records.put("s", key, { key });
    });
    const list = async (options?: { after?: string; prefix?: string; limit?: number }) =>
      (await streams.transaction((tx) => tx.records.list("s", options))).map(({ key }) => key);

    expect(await list()).toEqual(inOrder);
    expect(await list({ after: "aa", limit: 2 })).toEqual(["\uffff", "\u{1f600}"]);
    expect(await list({ prefix: "\u{1f600}" })).toEqual(["\u{1f600}", "\u{1f600}\u{10ffff}"]);
    expect(await list({ prefix: "a", after: "a" })).toEqual(["a\0b", "aa"]);
    expect(await list({ prefix: "\u{10ffff}" })).toEqual(["\u{10ffff}"]);
  });

  test("never have a revision again, not after a delete, a rollback and a reopening", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    let last = 0;
    for (let round = 0; round < 3; round += 1) {
      await using streams = await sqliteStreamFactory(path);
      const first = await streams.transaction((tx) => tx.records.put("s", "k", {}));
      const second = await streams.transaction((tx) => tx.records.put("s", "other", {}));
      await streams.transaction((tx) => tx.records.delete("s", "k", first));
      expect(first).toBeGreaterThan(last);
      expect(second).toBeGreaterThan(first);
      last = second;
      const stale = failureOf(streams.transaction((tx) => tx.records.put("s", "k", {}, first)));
      expect(await stale).toMatchObject({ code: "RECORD_CONFLICT", space: "s", key: "k", revision: 0 });
    }
  });
});

test("a copy has the records and tables as they were at its position", async () => {
  await using folder = await createTempDir();
  await using streams = await sqliteStreamFactory(folder.file("store.db"));
  await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE t (n INTEGER)`));
  const change = (n: number) =>
    streams.transaction(async (tx) => {
      await tx.write("a", numbered(n));
      await tx.records.put("s", "k", { n });
      await tx.sql.run(sql`INSERT INTO t VALUES (${n})`);
    });
  for (let n = 1; n <= 50; n += 1) await change(n);
  let isCopying = true;
  const writing = (async () => {
    for (let n = 51; isCopying; n += 1) await change(n);
  })();
  await streams.backup(folder.file("copy.db"));
  isCopying = false;
  await writing;

  await using copy = await sqliteStreamFactory(folder.file("copy.db"), { mode: "existing" });
  const state = await copy.transaction(async (tx) => ({
    version: await tx.version("a"),
    record: (await tx.records.get("s", "k"))?.value.n,
    rows: (await tx.sql.all<{ n: number }>(sql`SELECT count(*) AS n FROM t`))[0]?.n,
  }));
  expect(state.version).toBeGreaterThanOrEqual(50);
  expect(state).toEqual({ version: state.version, record: state.version, rows: state.version });
  expect((await copy.verify()).problems).toEqual([]);
  expect((await streams.verify()).problems).toEqual([]);
});

/** Ends with what is still reachable: without it the heap has the garbage too. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}

test("memory stays flat over many transactions, without warnings and unhandled rejections", async () => {
  await using folder = await createTempDir();
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", note).on("warning", note);
  await using streams = await openStoreOver(DRIVERS.sqlite3, folder.file("store.db"), { durability: "normal" });
  const controller = new AbortController();
  const rounds = async (count: number) => {
    for (let round = 0; round < count; round += 1) {
      await Promise.allSettled(
        Array.from({ length: 50 }, (_, n) =>
          streams.transaction(
            async (tx) => {
              void tx.records.put("s", `${n}`, { round });
              if (n % 10 === 0) void tx.records.put("@reserved", "x", {});
              if (n % 7 === 0) throw new Error("undone");
            },
            { signal: controller.signal },
          ),
        ),
      );
    }
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await rounds(30);
  const after = await rounds(100);
  process.off("unhandledRejection", note).off("warning", note);

  expect(unhandled).toEqual([]);
  // Of 5,000 transactions, less than 840 bytes each may stay.
  expect(after - before).toBeLessThan(4 * 1024 * 1024);
});
