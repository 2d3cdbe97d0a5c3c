import { expect, test, vi } from "vitest";
import { DatabaseError, type PostgresConnection } from "../../../adapters/postgres/client/client.js";
import { PGClient } from "../../../adapters/postgres/client/pg-client.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { CandidateEvent, VerifyProblem, VerifyProgress } from "../../../protocols/index.js";
import { rawSQL } from "../../../src/transaction/sql-statement.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

// What verify() finds in a store that somebody else has changed by hand.

const counted = (count: number): CandidateEvent[] => wholeNumbers(1, count).map((data) => ({ type: "Counted", data }));

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  /** A store of two streams of 10 events, and one with a snapshot. */
  async function makeStore({ isPruned = false } = {}) {
    const schemas = ownSchemas();
    const url = (await server()).url();
    const streams = await postgresStreamFactory(url, { ...schemas, durability: "normal" });
    for (const id of ["a", "b"]) await (await streams.openStream(id)).write(counted(10));
    await (await streams.openStream("b")).snapshot({ sum: 55 }, { projection: "sum" });
    if (isPruned) await streams.pruneStream("a", { before: 5 });
    return {
      streams,
      /** Runs statements as the superuser, whom no trigger stops. */
      tamper: async (statements: string, role = "replica") =>
        (await server()).query(
          `SET search_path TO ${schemas.schema}; SET session_replication_role TO ${role}; ${statements}`,
        ),
      problems: async (): Promise<readonly VerifyProblem[]> => {
        const { ok, problems } = await streams.verify();
        expect(ok).toBe(problems.length === 0);
        return problems;
      },
      [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose](),
    };
  }

  test("a store of several pages is checked whole, with its progress, and its tables are counted", async () => {
    await using store = await makeStore();
    const { streams } = store;
    const bytes = new Uint8Array([0, 255, 1]);
    const various: CandidateEvent[] = [
      { type: "Empty", data: new Uint8Array() },
      { type: "Bytes", data: bytes, metadata: { by: "ada" } },
      { type: "Keyed\0", data: "\0\u{1f600}", idempotencyKey: "key" },
      ...counted(1_500),
    ];
    await (await streams.openStream("c\0")).write(various);
    await (await streams.openStream("@all")).snapshot(1, { version: 20 });
    await streams.transaction((tx) => tx.sql.run(rawSQL("CREATE TABLE accounts (id text PRIMARY KEY)")));
    const progress: VerifyProgress[] = [];
    const report = await streams.verify({ onProgress: (made) => progress.push(made) });

    expect(report).toEqual({ ok: true, checkedEvents: 1_523, applicationTables: 1, problems: [] });
    expect(progress.map(({ checkedEvents }) => checkedEvents)).toEqual([1_024, 1_523]);
    expect(progress[0]?.totalEvents).toBe(1_523);
  });

  const LOST = "DELETE FROM es_events WHERE stream = 1 AND version = 7";

  test.each<[string, boolean, string, Partial<VerifyProblem>]>([
    ["an event that is lost", false, LOST, { kind: "gap", streamId: "a", version: 7 }],
    ["the position of an event that is lost", false, LOST, { kind: "gap", position: 7 }],
    ["an event that is lost behind a removal", true, LOST, { kind: "gap", streamId: "a", version: 7 }],
    ["how many are lost behind a removal", true, LOST, { kind: "head", position: 20 }],
    [
      "a stream's last event, lost behind a removal",
      true,
      "DELETE FROM es_events WHERE stream = 1 AND version = 10",
      { kind: "head" },
    ],
    [
      "a stream without events",
      false,
      "DELETE FROM es_events WHERE stream = 1",
      { kind: "gap", streamId: "a", version: 1 },
    ],
    [
      "a first version that was raised without removing anything",
      false,
      "UPDATE es_streams SET first = 3 WHERE id = 2",
      { kind: "gap", streamId: "b", version: 1 },
    ],
    [
      "a checksum of removed events where none was removed",
      false,
      "UPDATE es_streams SET removed = 1 WHERE id = 2",
      { kind: "gap", streamId: "b", version: 1 },
    ],
    [
      "content that changed",
      false,
      "UPDATE es_events SET data = '8' WHERE position = 15",
      { kind: "checksum", streamId: "b", version: 5, position: 15 },
    ],
    [
      "an event in the place of another",
      false,
      "UPDATE es_events SET position = 100 WHERE position = 14; UPDATE es_events SET position = 14 WHERE position = 16; " +
        "UPDATE es_events SET position = 16 WHERE position = 100",
      { kind: "checksum", streamId: "b", version: 6, position: 14 },
    ],
    [
      "an event whose stream has no name",
      false,
      "DELETE FROM es_streams WHERE id = 2",
      { kind: "checksum", version: 1, position: 11 },
    ],
    [
      "an event that is found by another key",
      false,
      "UPDATE es_events SET key = sha256('other') WHERE position = 3",
      { kind: "checksum", streamId: "a", version: 3 },
    ],
    ["a counter that is missing", false, "DELETE FROM es_counters WHERE name = 'skipped'", { kind: "head" }],
    [
      "a snapshot that changed",
      false,
      "UPDATE es_snapshots SET state = '{}'",
      { kind: "snapshot", streamId: "b", version: 10 },
    ],
    [
      "a snapshot that is not found",
      false,
      "UPDATE es_snapshots SET stream_hash = sha256('other')",
      { kind: "snapshot", streamId: "b", version: 10 },
    ],
    [
      "a snapshot of what is not there",
      false,
      "DELETE FROM es_events WHERE stream = 2 AND version = 10",
      { kind: "snapshot", streamId: "b", version: 10 },
    ],
  ])("it names %s", async (_, isPruned, statements, problem) => {
    await using store = await makeStore({ isPruned });
    await store.tamper(statements);

    expect(await store.problems()).toContainEqual(expect.objectContaining(problem));
  });

  test("a key that is indexed although the event has none is found, and its own key is not", async () => {
    await using store = await makeStore();
    await (await store.streams.openStream("c")).write({ type: "Paid", data: 1, idempotencyKey: "key" });
    expect(await store.problems()).toEqual([]);
    await store.tamper("UPDATE es_events SET key = sha256('other') WHERE key IS NOT NULL");

    expect(await store.problems()).toMatchObject([{ kind: "checksum", streamId: "c", version: 1 }]);
  });

  test("a damaged snapshot is not loaded", async () => {
    await using store = await makeStore();
    await store.tamper("UPDATE es_snapshots SET state = '{}'");
    await using stream = await store.streams.openStream("b");

    expect(await failureOf(stream.loadSnapshot({ projection: "sum" }))).toMatchObject({ code: "STORAGE_CORRUPT" });
  });

  test("a removal of what is not there fails, and removes nothing", async () => {
    await using store = await makeStore();
    await store.tamper("DELETE FROM es_events WHERE stream = 1 AND version = 3");

    expect(await failureOf(store.streams.pruneStream("a", { before: 5 }))).toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringContaining("of the versions 1 to 4 it has 3"),
    });
    expect(await store.streams.describeStream("a")).toMatchObject({ firstVersion: 1 });
  });

  test.each([
    ["an event that changes", "UPDATE es_events SET data = '1' WHERE position = 1"],
    ["an event that is not declared gone", "DELETE FROM es_events WHERE stream = 1 AND version = 5"],
    ["all events at once", "TRUNCATE es_events"],
    ["a first version that goes back", "UPDATE es_streams SET first = 4 WHERE id = 1"],
    ["a first version behind the last event", "UPDATE es_streams SET first = 11 WHERE id = 1"],
  ])("triggers refuse %s", async (_, statement) => {
    await using store = await makeStore({ isPruned: true });

    await expect(store.tamper(statement, "origin")).rejects.toMatchObject({ code: "23001" });
    expect(await store.problems()).toEqual([]);
  });

  test("what the server cannot read is named, and what lies around it is checked", async () => {
    const connect = PGClient.prototype.connect;
    let isDamaged = false;
    vi.spyOn(PGClient.prototype, "connect").mockImplementation(async function (this: PGClient) {
      const connection = await connect.call(this);
      const query = connection.query.bind(connection);
      connection.query = (async (statement) => {
        const [after, upTo] = statement.values ?? [];
        const isIn = (position: number) => Number(after) < position && position <= Number(upTo);
        const isAffected = statement.name === "es_verify_events" ? isIn(4) : statement.text.includes("es_snapshots");
        if (!isDamaged || !isAffected) return query(statement);
        throw new DatabaseError("XX001", "invalid page in block 0");
      }) as PostgresConnection["query"];
      return connection;
    });
    try {
      await using store = await makeStore();
      isDamaged = true;
      const { checkedEvents, problems } = await store.streams.verify();

      expect(checkedEvents).toBe(19);
      expect(problems).toMatchObject([{ kind: "unreadable", position: 4 }, { kind: "unreadable" }]);
      expect(problems[1]?.detail).toContain("The server cannot go through the snapshots");
    } finally {
      vi.restoreAllMocks();
    }
  });

  test("it ends with a signal and with what onProgress throws, and says what the server refuses", async () => {
    await using store = await makeStore();
    const { streams } = store;
    const ending = new AbortController();
    const reason = new Error("changed my mind");
    expect(await failureOf(streams.verify({ signal: ending.signal, onProgress: () => ending.abort(reason) }))).toBe(
      reason,
    );
    const thrown = new Error("a listener fails");
    const onProgress = () => {
      throw thrown;
    };
    expect(await failureOf(streams.verify({ onProgress }))).toBe(thrown);
    await store.tamper("ALTER TABLE es_snapshots RENAME TO es_snapshots_away");
    expect(await failureOf(streams.verify())).toMatchObject({
      code: "STORAGE_REPLACED",
      message: expect.stringContaining("Cannot verify the store in"),
    });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
