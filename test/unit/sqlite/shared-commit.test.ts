import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import {
  type CandidateEvent,
  rawSQL,
  StorageError,
  type StreamFactory,
  sql,
  type Transaction,
} from "../../../index.js";
import { failureOf, outcomesOf } from "../../conformance/support/failure-of.js";
import { allEventsOf } from "../../conformance/support/transactions.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { openStoreOver } from "../../support/open-store.js";
import { type RecordedCall, recordingDriver } from "../../support/recording-driver.js";
import { revoked } from "../../support/revoked.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { type StoppedClock, stopClock } from "../../support/stopped-clock.js";
import { createTempDir } from "../../support/temp-dir.js";

const numbered = (data: number): CandidateEvent => ({ type: "Numbered", data });
let clock: StoppedClock;

// A commit that has taken long takes no further members, which is for one test here to see.
beforeEach(() => {
  clock = stopClock();
});
afterEach(() => clock[Symbol.dispose]());

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);

async function numbersIn(streams: StreamFactory) {
  return (await allEventsOf(streams)).map(({ position, data }) => [position, data]);
}

/** How many members each commit of several statements had. */
function membersOfCommits(calls: readonly RecordedCall[]): number[] {
  const members: number[] = [];
  for (const { sql: text } of calls) {
    if (text === "BEGIN IMMEDIATE") members.push(1);
    if (text === "SAVEPOINT es_member") members.push((members.pop() ?? 0) + 1);
  }
  return members;
}

describe.each(DRIVER_NAMES)("a shared commit, over %s", (driver) => {
  async function openRecorded(path: string) {
    const recording = recordingDriver(DRIVERS[driver]);
    const streams = await openStoreOver(recording.driver, path);
    await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE t (n INTEGER PRIMARY KEY)`));
    recording.calls.length = 0;
    return { streams, calls: recording.calls };
  }

  test("flushes once for 64 members, and takes no more", async () => {
    await using folder = await createTempDir();
    const { streams, calls } = await openRecorded(folder.file("store.db"));
    await using _ = streams;
    await Promise.all(range(150).map((n) => streams.transaction(async (tx) => tx.records.put("s", `${n}`, {}))));

    const members = membersOfCommits(calls);
    expect(members).toEqual([64, 64, 22]);
    expect(calls.filter(({ sql: text }) => text === "COMMIT")).toHaveLength(members.length);
  });

  test("begins no transaction behind appends, which would wait for its callback", async () => {
    await using folder = await createTempDir();
    const { streams, calls } = await openRecorded(folder.file("store.db"));
    await using _ = streams;
    const a = await streams.openStream("a");
    const first = streams.transaction(async () => 1);
    const append = a.write(numbered(1));
    const second = streams.transaction(() => append);

    expect(await second).toMatchObject({ version: 1 });
    await first;
    expect(membersOfCommits(calls)).toEqual([2, 1]);
  });

  test("begins no member after 20 ms", async () => {
    await using folder = await createTempDir();
    const { streams, calls } = await openRecorded(folder.file("store.db"));
    await using _ = streams;
    await Promise.all(range(8).map(() => streams.transaction(async () => clock.advance(11))));

    expect(membersOfCommits(calls)).toEqual([2, 2, 2, 2]);
  });

  test("stores appends, units and transactions in the order of the calls", async () => {
    await using folder = await createTempDir();
    const { streams } = await openRecorded(folder.file("store.db"));
    await using _ = streams;
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await Promise.all([
      a.write(numbered(1)),
      streams.transaction((tx) => tx.write("b", numbered(2))),
      b.write(numbered(3)),
      streams.writeAll([
        { streamId: "a", events: numbered(4), expectedVersion: 1 },
        { streamId: "b", events: numbered(5), expectedVersion: 2 },
      ]),
      streams.transaction((tx) => tx.write("a", numbered(6), { expectedVersion: 2 })),
      a.write(numbered(7), { expectedVersion: 3 }),
    ]);

    expect(await numbersIn(streams)).toEqual([1, 2, 3, 4, 5, 6, 7].map((n) => [n, n]));
  });

  test("leaves no gap where a member failed after it had stored, be it the first, one between or the last", async () => {
    await using folder = await createTempDir();
    const { streams, calls } = await openRecorded(folder.file("store.db"));
    await using _ = streams;
    const own = new Error("changed my mind");
    const issued = range(9).map((n) =>
      streams.transaction(async (tx) => {
        const { position } = await tx.write(`new-${n}`, [numbered(n), { type: `Type${n}`, data: n }]);
        await tx.sql.run(sql`INSERT INTO t VALUES (${n})`);
        await tx.records.put("s", `${n}`, {});
        if (n % 4 === 0) throw own;
        return position;
      }),
    );
    const { values, errors } = await outcomesOf(issued);

    expect(errors).toEqual([own, own, own]);
    expect(values).toEqual([2, 4, 6, 8, 10, 12]);
    expect(Math.max(...membersOfCommits(calls))).toBeGreaterThan(2);
    const kept = [1, 2, 3, 5, 6, 7];
    expect(await numbersIn(streams)).toEqual(kept.flatMap((n) => [n, n]).map((n, index) => [index + 1, n]));
    expect(await streams.query(sql`SELECT n FROM t`)).toEqual(kept.map((n) => ({ n })));
    const records = await streams.transaction((tx) => tx.records.list("s"));
    expect(records.map(({ key }) => Number(key))).toEqual(kept);
    // What the failed ones had learned of new streams and types is forgotten.
    const again = range(9).map((n) => streams.transaction((tx) => tx.write(`new-${n}`, { type: `Type${n}`, data: n })));
    expect((await Promise.all(again)).map(({ version }) => version)).toEqual([1, 3, 3, 3, 1, 3, 3, 3, 1]);
    await using later = await sqliteStreamFactory(folder.file("store.db"), { driver });
    expect((await later.verify()).problems).toEqual([]);
  });

  test.each([
    ["something that cannot be looked at", revoked()],
    ["a full disk, of another database", Object.assign(new Error("full"), { code: "SQLITE_FULL" })],
    ["a failing disk, of another database", Object.assign(new Error("failing"), { code: "SQLITE_IOERR" })],
    ["damage, of another database", Object.assign(new Error("damaged"), { code: "SQLITE_CORRUPT" })],
    ["damage, of another store", new StorageError("STORAGE_IO", "failing", { cause: { code: "SQLITE_IOERR" } })],
  ])("fails alone the member whose callback throws %s, and the store goes on", async (_, own) => {
    await using folder = await createTempDir();
    const { streams } = await openRecorded(folder.file("store.db"));
    await using _streams = streams;
    const issued = range(3).map((n) =>
      streams.transaction(async (tx) => {
        await tx.write("a", numbered(n));
        if (n !== 1) throw own;
      }),
    );
    const settled = await Promise.allSettled(issued);

    expect(settled.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "rejected"]);
    for (const outcome of settled) if (outcome.status === "rejected") expect(outcome.reason === own).toBe(true);
    await streams.transaction((tx) => tx.write("a", numbered(3)));
    expect(await numbersIn(streams)).toEqual([
      [1, 1],
      [2, 3],
    ]);
  });

  test("with a deferred foreign key in the store is that of one transaction, and fails it alone", async () => {
    await using folder = await createTempDir();
    const { streams } = await openRecorded(folder.file("store.db"));
    await using _ = streams;
    await streams.transaction((tx) =>
      tx.sql.run(sql`CREATE TABLE child (t INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)`),
    );
    const a = await streams.openStream("a");
    const insert = (tx: Transaction, n: number) => tx.sql.run(sql`INSERT INTO child VALUES (${n})`);
    const settled = await Promise.allSettled([
      streams.transaction((tx) => tx.write("a", numbered(1))),
      a.write(numbered(2)),
      streams.transaction((tx) => insert(tx, 99)),
      a.write(numbered(3)),
      streams.transaction(async (tx) => {
        await insert(tx, 1);
        await tx.sql.run(sql`INSERT INTO t VALUES (1)`);
      }),
      a.write(numbered(4)),
    ]);

    expect(settled.map(({ status }) => status === "fulfilled")).toEqual([true, true, false, true, true, true]);
    expect(await numbersIn(streams)).toEqual([1, 2, 3, 4].map((n) => [n, n]));
    expect(await streams.query(sql`SELECT t FROM child`)).toEqual([{ t: 1 }]);
  });
});

describe.each(DRIVER_NAMES)("a shared commit that fails, over %s", (driver) => {
  /** A store in which statements fail from the moment on that a test says so. */
  async function openFaulty(path: string, pattern: RegExp, code: string) {
    const fault = { isOn: false };
    const faulty = faultyDriver(
      ({ sql: text, mode }) => (fault.isOn && mode !== "readonly" && pattern.test(text) ? code : undefined),
      DRIVERS[driver],
    );
    const streams = await openStoreOver(faulty, path);
    await streams.transaction(async (tx) => {
      await tx.sql.run(sql`CREATE TABLE t (n INTEGER)`);
      await tx.write("a", numbered(0));
    });
    return { streams, fault };
  }

  /** Ten members, of which the last throws, that change all that a transaction can. */
  function tenMembers(streams: Awaited<ReturnType<typeof openFaulty>>["streams"]) {
    return outcomesOf(
      range(10).map((n) =>
        streams.transaction(async (tx) => {
          await tx.write("a", numbered(n));
          await tx.sql.run(sql`INSERT INTO t VALUES (${n})`);
          await tx.records.put("s", `${n}`, {});
          if (n === 9) throw new Error("the last");
        }),
      ),
    );
  }

  async function expectNothingStored(streams: Awaited<ReturnType<typeof openFaulty>>["streams"]) {
    expect(await numbersIn(streams)).toEqual([[1, 0]]);
    expect(await streams.query(sql`SELECT n FROM t`)).toEqual([]);
    expect(await streams.query(sql`SELECT key FROM es_records`)).toEqual([]);
  }

  test.each([
    ["COMMIT", "SQLITE_FULL", /^COMMIT$/, "STORAGE_FULL"],
    ["the first read of the store", "SQLITE_NOMEM", /hasDeferredKeys/, "STORAGE_FAILED"],
    ["the first read of the store", "SQLITE_ERROR", /hasDeferredKeys/, "STORAGE_FAILED"],
    ["SAVEPOINT", "SQLITE_NOMEM", /^SAVEPOINT/, "STORAGE_FAILED"],
    ["RELEASE", "SQLITE_NOMEM", /^RELEASE/, "STORAGE_FAILED"],
    ["ROLLBACK TO", "SQLITE_NOMEM", /^ROLLBACK TO/, "STORAGE_FAILED"],
    ["an insert of a member", "SQLITE_FULL", /INSERT INTO t VALUES/, "STORAGE_FULL"],
    ["a record of a member", "SQLITE_FULL", /INSERT INTO es_records/, "STORAGE_FULL"],
  ])("at %s with %s acknowledges and stores none, and the next append gets the right version", async (...row) => {
    const [, code, pattern, expected] = row;
    await using folder = await createTempDir();
    const { streams, fault } = await openFaulty(folder.file("store.db"), pattern, code);
    await using _ = streams;
    fault.isOn = true;
    const { values, errors } = await tenMembers(streams);
    fault.isOn = false;

    expect(values).toEqual([]);
    for (const error of errors) {
      const isOwn = (error as Error).message === "the last";
      if (!isOwn) expect(error).toMatchObject({ name: "StorageError", code: expected });
    }
    await expectNothingStored(streams);
    const a = await streams.openStream("a");
    expect(await a.write(numbered(1), { expectedVersion: 1 })).toEqual({ version: 2, position: 2, written: 1 });
    expect(await streams.transaction((tx) => tx.write("b", numbered(2)))).toMatchObject({ version: 1, position: 3 });
  });

  test("at one member with SQLITE_FULL fails its neighbours too: SQLite may have undone what they did", async () => {
    await using folder = await createTempDir();
    const { streams, fault } = await openFaulty(folder.file("store.db"), /INSERT INTO t VALUES \(4\)/, "SQLITE_FULL");
    await using _ = streams;
    fault.isOn = true;
    const issued = range(5).map((n) => streams.transaction((tx) => tx.sql.run(rawSQL(`INSERT INTO t VALUES (${n})`))));
    const { values, errors } = await outcomesOf(issued);

    expect(values).toEqual([]);
    for (const error of errors) expect(error).toMatchObject({ code: "STORAGE_FULL" });
    await expectNothingStored(streams);
  });

  test.each([
    ["COMMIT", /^COMMIT$/],
    ["a statement of a member", /INSERT INTO t VALUES/],
    ["ROLLBACK", /^(RELEASE|ROLLBACK)/],
  ])("at %s because of the disk lets nothing more be written, in this factory", async (_, pattern) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      const { streams, fault } = await openFaulty(path, pattern, "SQLITE_IOERR");
      await using _streams = streams;
      fault.isOn = true;
      const { values } = await tenMembers(streams);
      expect(values).toEqual([]);
      fault.isOn = false;

      const stopped = { code: "STORAGE_MUST_REOPEN" };
      const a = await streams.openStream("a");
      const { errors } = await outcomesOf<unknown>([
        streams.transaction((tx) => tx.write("a", numbered(1))),
        a.write(numbered(1)),
        streams.writeAll([{ streamId: "a", events: numbered(1) }]),
        streams.transaction(async () => 1),
      ]);
      for (const error of errors) expect(error).toMatchObject(stopped);
      expect(errors).toHaveLength(4);
    }
    await using reopened = await sqliteStreamFactory(path, { driver });
    await expectNothingStored(reopened);
    expect(await reopened.transaction((tx) => tx.write("a", numbered(1)))).toMatchObject({ version: 2, position: 2 });
  });

  test("fails no call that is made once its callers know", async () => {
    await using folder = await createTempDir();
    const { streams, fault } = await openFaulty(folder.file("store.db"), /^BEGIN/, "SQLITE_NOMEM");
    await using _ = streams;
    const later: Promise<unknown>[] = [];
    fault.isOn = true;
    const first = streams
      .transaction(async () => 1)
      .catch((error: unknown) => {
        fault.isOn = false;
        return error;
      });
    const a = await streams.openStream("a");
    later.push(first.then(() => Promise.all([streams.transaction(async () => 2), a.write(numbered(1))])));

    expect(await first).toMatchObject({ name: "StorageError" });
    expect(await Promise.all(later)).toMatchObject([[2, { version: 2 }]]);
  });

  test("at a rollback after which the transaction is open acknowledges nothing on top of it", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      const { streams, fault } = await openFaulty(path, /^ROLLBACK$/, "SQLITE_NOMEM");
      await using _streams = streams;
      fault.isOn = true;
      await failureOf(streams.transaction((tx) => tx.sql.run(sql`INSERT INTO nowhere VALUES (1)`)));
      fault.isOn = false;
      const a = await streams.openStream("a");
      expect(await failureOf(a.write(numbered(1)))).toMatchObject({ code: "STORAGE_MUST_REOPEN" });
    }
    await using reopened = await sqliteStreamFactory(path, { driver });
    await expectNothingStored(reopened);
  });
});
