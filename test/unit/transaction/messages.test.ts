import { describe, expect, test } from "vitest";
import { type AppendCondition, rawSQL, type StreamWrite, sql } from "../../../index.js";
import { loadQuery } from "../../../src/commands/index.js";
import { account } from "../commands/support/account.js";
import { STORES, type Store } from "../consumers/support/stores.js";

const TYPED = { field: "type", op: "=", value: "A" } as const;
const MISSPELT = { field: "type", op: "is", value: "A" } as never;

const keyed = (key: string, data: number | null = null) => ({ type: "Keyed", data, idempotencyKey: key });

async function failureOf(failing: Promise<unknown>): Promise<{ readonly code?: string; readonly message: string }> {
  return failing.then(
    () => ({ message: "nothing failed" }),
    (error: Error) => error,
  );
}

describe.each(STORES)("what is wrong with a write to several streams over %s", (_, open) => {
  test("of which a part is stored, is said of this stream and of the others", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(keyed("1"));
    const [first, second] = [keyed("1"), keyed("2")];
    const failing = (writes: readonly StreamWrite[]) => failureOf(streams.writeAll(writes));
    const elsewhere = await failing([
      { streamId: "a", events: first, expectedVersion: 0 },
      { streamId: "b", events: second, expectedVersion: 0 },
    ]);
    const within = await failing([{ streamId: "a", events: [first, second], expectedVersion: 0 }]);

    const stored =
      "its event is already stored under its key, while events of the same write to another stream are not";
    expect(elsewhere).toMatchObject({ code: "CONCURRENCY_CONFLICT", message: expect.stringContaining(stored) });
    expect(elsewhere.message).toMatch(/^Cannot write to stream "a"/);
    expect(within.message).toContain("only 1 of its 2 events is already stored under its key");
    const repeated = [{ streamId: "a", events: [first, second, first, second], expectedVersion: 0 }];
    expect(await failing(repeated)).toMatchObject({ message: within.message });
  });

  test("under a key of another event, is said in plain English", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(keyed("1"));
    const events = keyed("1", 2);

    const { message } = await failureOf(streams.writeAll([{ streamId: "a", events }]));
    expect(message).toContain('idempotency key "1" of event 0 belongs to an event with other data.');
  });
});

test.each(STORES)("a write of a transaction without a stream's id is told so, over %s", async (_, open) => {
  await using streams = await open();
  const written = (...args: unknown[]) =>
    streams.transaction((tx) => tx.write(...(args as Parameters<typeof tx.write>)));
  await expect(written(keyed("1"))).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "streamId",
    message: expect.stringMatching(
      /^Cannot write to a stream in a transaction in \S+: invalid streamId: expected a non-empty string, got an object\.$/,
    ),
  });
  await expect(written("a", "A", { n: 1 })).rejects.toMatchObject({ code: "INVALID_EVENT", eventIndex: 0 });
});

describe.each<[string, (streams: Store, condition: AppendCondition) => Promise<unknown>]>([
  ["writeAll", (streams, conditions) => streams.writeAll([{ streamId: "a" }], { conditions })],
  ["require", (streams, condition) => streams.transaction((tx) => tx.require(condition))],
])("what is wrong with a condition of %s", (_, call) => {
  test.each<[string, unknown, string]>([
    ["missing filters", {}, "failIfEventsMatch: a filter is a list of clauses { field, op, value }, got undefined."],
    [
      "a wrong clause",
      { failIfEventsMatch: [TYPED, MISSPELT] },
      "failIfEventsMatch: clause 1 of the filter: unknown op",
    ],
    [
      "a wrong clause among alternatives",
      { failIfEventsMatch: [[TYPED], [MISSPELT]] },
      "failIfEventsMatch[1]: clause 0 of the filter: unknown operator",
    ],
    ["a misspelt field", { failIfEventMatch: [] }, "there is no such field (did you mean"],
  ])("is said with its place: %s", async (__, condition, message) => {
    for (const [, open] of STORES) {
      await using streams = await open();
      expect((await failureOf(call(streams, condition as AppendCondition))).message).toContain(message);
    }
  });
});

test("the place of a filter is that among the conditions, and among the filters of a query", async () => {
  for (const [, open] of STORES) {
    await using streams = await open();
    const conditions = [{ failIfEventsMatch: [TYPED] }, { failIfEventsMatch: [[TYPED], [MISSPELT]] }];
    const write = streams.writeAll([{ streamId: "a" }], { conditions });
    expect((await failureOf(write)).message).toContain("conditions[1].failIfEventsMatch[1]: clause 0 of the filter");
    const query = loadQuery(streams, account, [[TYPED], [MISSPELT]]);
    expect((await failureOf(query)).message).toContain("filters[1]: clause 0 of the filter");
  }
});

test("a misspelt field of a write is no option", async () => {
  for (const [, open] of STORES) {
    await using streams = await open();
    const writes = [{ streamId: "a", expectedVersoin: 0 }] as never;
    expect((await failureOf(streams.writeAll(writes))).message).toContain("there is no such field");
  }
});

describe.each(STORES.slice(1))("what is wrong with a query over %s", (_, open) => {
  test("is said of the query, in this store", async () => {
    await using streams = await open();

    const { message } = await failureOf(streams.query(rawSQL("COMMIT")));
    expect(message).toMatch(/^Cannot query the tables in .+: invalid statement: COMMIT is refused/);
  });

  test("that would change something, is said with where that belongs", async () => {
    await using streams = await open();
    await streams.transaction((tx) => tx.sql.run(sql`CREATE TABLE accounts (id INTEGER)`));

    expect(await failureOf(streams.query(sql`DELETE FROM accounts`))).toMatchObject({
      code: "STORAGE_READ_ONLY",
      message: expect.stringContaining("query() only reads. Nothing was changed; use tx.sql.run() in a transaction."),
    });
  });
});
