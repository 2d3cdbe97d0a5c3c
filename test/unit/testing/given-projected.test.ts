import { AssertionError } from "node:assert";
import { expect, test } from "vitest";
import { type DeletedEvent, sql } from "../../../index.js";
import { documents, type Projection } from "../../../projections.js";
import { batchPlans } from "../../../src/testing/batch-plans.js";
import { givenProjected } from "../../../testing.js";
import type { AccountEvent } from "../commands/support/account.js";

const deposited = (streamId: string, amount: number) =>
  ({ streamId, type: "Deposited", data: { amount } }) as const satisfies AccountEvent & { streamId: string };

const EVENTS = [deposited("a", 1), deposited("b", 2), deposited("a", 3), deposited("a", 4)] as const;

const balances: Projection<AccountEvent> = {
  name: "balances",
  types: ["Deposited"],
  async tables({ sql: db, table }) {
    await db.run(sql`CREATE TABLE ${table("balances")} (id TEXT PRIMARY KEY, balance REAL NOT NULL)`);
  },
  async project(events, { sql: db, table }) {
    for (const event of events) {
      if (event.type !== "Deposited") continue;
      await db.run(sql`
        INSERT INTO ${table("balances")} AS total VALUES (${event.streamId}, ${event.data.amount})
        ON CONFLICT (id) DO UPDATE SET balance = total.balance + excluded.balance`);
    }
  },
};

const ROWS = [
  { id: "b", balance: 2 },
  { id: "a", balance: 8 },
];

async function failureOf(wrong: Promise<void>): Promise<AssertionError> {
  const error: unknown = await wrong.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AssertionError);
  return error as AssertionError;
}

test("a projection whose batches make no difference passes, in any order of the rows", async () => {
  const projected = givenProjected(balances, ...EVENTS, { streamId: "c", type: "Opened", data: { owner: "ada" } });
  await projected.thenRows("balances", ROWS);
  await projected.thenRows("balances", [...ROWS].reverse());
  await givenProjected(balances).thenRows("balances", []);
  const total = documents<number, AccountEvent>({
    name: "totals",
    key: () => "all",
    evolve: (count) => (count ?? 0) + 1,
  });
  await givenProjected(total, ...EVENTS).thenRows("totals", [{ key: "all", document: "4" }]);
});

test("the end of a deleted stream comes to a projection that wants it, behind the events that went with it", async () => {
  type Ended = AccountEvent | DeletedEvent;
  const seen: unknown[][] = [];
  const totals = documents<number, Ended>({
    name: "totals",
    types: ["Deposited", "@deleted"],
    key: ({ streamId }) => streamId,
    evolve: (sum, event) => (event.type === "Deposited" ? (sum ?? 0) + event.data.amount : null),
  });
  const watched: Projection<Ended> = {
    ...totals,
    project: (events, context) => {
      seen.push(events.map(({ type, data }) => [type, data]));
      return totals.project(events, context);
    },
  };
  const ended = { streamId: "a", type: "@deleted", data: { by: "ada" } } as const;
  await givenProjected(watched, ...EVENTS, ended, deposited("c", 5)).thenRows("totals", [
    { key: "b", document: "2" },
    { key: "c", document: "5" },
  ]);
  expect(seen[0]).toEqual([
    ...EVENTS.map(({ type, data }) => [type, data]),
    ["@deleted", { by: "ada" }],
    ["Deposited", { amount: 5 }],
  ]);
});

test("other rows fail, with what was expected and what was got", async () => {
  const failure = await failureOf(givenProjected(balances, ...EVENTS).thenRows("balances", [{ id: "a", balance: 8 }]));
  expect(failure.actual).toEqual(ROWS);
  expect(failure.message).toMatch(/Table "balances", projected in batches of 4: [\s\S]*balance: 2/);
  expect((await failureOf(givenProjected(balances, ...EVENTS).thenRows("balance", ROWS))).message).toMatch(
    /no table "balance"; it has: balances/,
  );
});

test("one that depends on where a batch ends fails, with the batches", async () => {
  const lastOfBatch: Projection<AccountEvent> = {
    ...balances,
    project: (events, context) => balances.project(events.slice(-1), context),
  };
  const rows = [{ id: "a", balance: 4 }];
  const failure = await failureOf(givenProjected(lastOfBatch, ...EVENTS).thenRows("balances", rows));
  expect(failure.message).toMatch(/projected in batches of 1, 1, 1, 1: /);
});

test("one that counts batches instead of events fails, with the batches", async () => {
  const countsBatches: Projection<AccountEvent> = {
    name: "counts",
    types: ["Deposited"],
    async tables({ sql: db, table }) {
      await db.run(sql`CREATE TABLE ${table("counts")} (id TEXT PRIMARY KEY, n INTEGER NOT NULL)`);
    },
    async project(_batch, { sql: db, table }) {
      await db.run(sql`
        INSERT INTO ${table("counts")} AS total VALUES ('all', 1) ON CONFLICT (id) DO UPDATE SET n = total.n + 1`);
    },
  };
  const failure = await failureOf(givenProjected(countsBatches, ...EVENTS).thenRows("counts", [{ id: "all", n: 1 }]));
  expect(failure.message).toMatch(/projected in batches of 1, 1, 1, 1: /);
  // Nor can the rows be those of another division.
  await failureOf(givenProjected(countsBatches, ...EVENTS).thenRows("counts", [{ id: "all", n: EVENTS.length }]));
});

test("one that remembers what was undone fails, with the crash", async () => {
  const seen = new Map<string, number>();
  const remembering: Projection<AccountEvent> = {
    ...balances,
    async tables(context) {
      seen.clear();
      await balances.tables?.(context);
    },
    async project(events, { sql: db, table }) {
      for (const { streamId, data } of events as readonly { streamId: string; data: { amount: number } }[]) {
        const balance = (seen.get(streamId) ?? 0) + data.amount;
        seen.set(streamId, balance);
        await db.run(sql`INSERT OR REPLACE INTO ${table("balances")} VALUES (${streamId}, ${balance})`);
      }
    },
  };
  const failure = await failureOf(givenProjected(remembering, ...EVENTS).thenRows("balances", ROWS));
  expect(failure.message).toMatch(/batches of 4, each of them again after a crash/);
});

test("an event that no store would take fails, and what the projection throws is thrown", async () => {
  const bad = { streamId: "a", type: "Deposited", data: { amount: undefined as never } } as const;
  expect((await failureOf(givenProjected(balances, bad).thenRows("balances", []))).message).toMatch(/data\.amount/);
  const failing: Projection<AccountEvent> = { ...balances, project: () => Promise.reject(new RangeError("no")) };
  await expect(givenProjected(failing, ...EVENTS).thenRows("balances", [])).rejects.toThrow(RangeError);
});

test("events are divided at random in other ways each time, and wholly", () => {
  for (const value of [0, 0.3, 0.999]) {
    for (const { sizes } of batchPlans(5, () => value)) expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5);
  }
  expect(batchPlans(0, () => 0).map(({ sizes }) => sizes)).toEqual(batchPlans(0, () => 0).map(() => []));
});
