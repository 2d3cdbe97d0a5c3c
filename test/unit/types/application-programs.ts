import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import {
  type AdministrableStreamFactory,
  type EventFilter,
  name,
  sql,
  sqliteStreamFactory,
  type TransactionalStreamFactory,
} from "async-streams";
import { type Fold, handle, handleQuery, loadState } from "async-streams/commands";
import { consume } from "async-streams/consumers";
import { type EventOf, event, type StandardSchema, typed } from "async-streams/events";
import { documents, type Projection, runProjections, whenProcessed } from "async-streams/projections";
import { given } from "async-streams/testing";
import * as v from "valibot";
import { z } from "zod";

const bank = {
  Opened: event<{ owner: string }>()
    .next((d) => ({ owner: d.owner, currency: "EUR" }))
    .next(z.object({ owner: z.string().nullable(), currency: z.enum(["EUR", "USD"]) }), (d) => ({
      owner: d.owner,
      currency: d.currency === "USD" ? ("USD" as const) : ("EUR" as const),
    }))
    .personal("data.owner", ["owner"]),
  Deposited: event(v.object({ amount: v.number() })),
  Withdrawn: event(type({ amount: "number>0" })),
};
type BankEvent = EventOf<typeof bank>;
const a: StandardSchema<unknown, { amount: number }> = z.object({ amount: z.number() });
const spec: StandardSchemaV1 = z.string();
const back: StandardSchema = spec;
void a;
void back;
// @ts-expect-error a step that takes something else than the version before gives
event<{ a: string }>().next((d: { b: string }) => d);
// @ts-expect-error owner is not nullable in version 1
event<{ owner: string }>().personal("data.owner", ["owner"]);

interface Account {
  balance: number;
  open: boolean;
}
const account: Fold<Account, BankEvent> = {
  name: "account",
  version: 2,
  initial: () => ({ balance: 0, open: false }),
  evolve: (s, e) => {
    switch (e.type) {
      case "Opened":
        return { ...s, open: e.data.currency !== "USD" };
      case "Deposited":
        return { ...s, balance: s.balance + e.data.amount };
      case "Withdrawn":
        return { ...s, balance: s.balance - e.data.amount };
    }
  },
  snapshot: { every: 500 },
};

declare const streams: TransactionalStreamFactory & AdministrableStreamFactory;
const store = typed(streams, bank);
const { state } = await loadState(store, account, "account-1");
void state.balance;
const result = await handle(
  store,
  account,
  "account-1",
  (s) => (s.balance < 30 ? [] : { type: "Withdrawn", data: { amount: 30 } }),
  { commandId: "c-1" },
);
void result.state.open;
// @ts-expect-error not an event of the stream
await handle(store, account, "account-1", () => ({ type: "Exploded", data: {} }));
// @ts-expect-error an event of another stream
void given(account, { type: "Nope", data: {} });
await given(account, { type: "Deposited", data: { amount: 100 } })
  .when((s) => ({ type: "Withdrawn", data: { amount: s.balance } }))
  .thenEvents({ type: "Withdrawn", data: { amount: 100 } });

const balances: Projection<BankEvent> = {
  name: "balances",
  version: 2,
  types: ["Deposited", "Withdrawn"],
  async tables({ sql: db, table }) {
    await db.run(sql`CREATE TABLE ${table("balances")} (id TEXT PRIMARY KEY, balance REAL NOT NULL)`);
  },
  async project(events, { sql: db, table }) {
    for (const e of events)
      if (e.type !== "Opened")
        await db.run(
          sql`INSERT INTO ${table("balances")} VALUES (${e.streamId}, ${e.data.amount}) ON CONFLICT (id) DO UPDATE SET balance = ${table("balances")}.balance + excluded.balance`,
        );
  },
};
await using runner = await runProjections(store, [
  balances,
  documents<number, BankEvent>({
    name: "owners",
    types: ["Opened"],
    key: (e) => (e.type === "Opened" ? e.data.owner : null),
    evolve: (d) => (d ?? 0) + 1,
  }),
]);
await whenProcessed(streams, "balances", result.position, { timeoutMs: 1000 });
await using mail = await consume<BankEvent>(streams, {
  name: "mail",
  startFrom: "end",
  types: ["Opened"],
  async handle(e, { signal }) {
    void e.id;
    void signal;
  },
});
await using transfer = await consume<BankEvent>(streams, {
  name: "transfer",
  startFrom: "beginning",
  types: ["Withdrawn"],
  async transact(e, tx) {
    await tx.write("audit", { type: "Seen", data: e.id });
  },
});
await streams.transaction(async (tx) => {
  await tx.write("account-1", { type: "Withdrawn", data: { amount: 1 } }, { expectedVersion: 3 });
  await tx.sql.run(sql`UPDATE ${name("t")} SET n = ${1}`);
});
const filters: readonly EventFilter[] = [
  [{ field: "type", op: "=", value: "Deposited" }],
  [{ field: "data.owner", op: "=", value: "ada" }],
];
await handleQuery(streams, account, filters, (s) => [
  { streamId: "account-2", events: { type: "Deposited", data: { amount: s.balance } } },
]);
await streams.writeAll([
  { streamId: "email-ada@x", expectedVersion: 0, events: { type: "Reserved", data: null } },
  { streamId: "limit", expectedVersion: 7 },
]);
void mail;
void transfer;
void runner;
void sqliteStreamFactory;
