// Programs with event types that must compile, and `@ts-expect-error` before what must not.
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type } from "arktype";
import type { Stream, StreamFactory, TransactionalStreamFactory } from "async-streams";
import { consume } from "async-streams/consumers";
import { type ConventionalMetadata, type EventOf, event, type StandardSchema, typed } from "async-streams/events";
import { documents, type Projection } from "async-streams/projections";
import * as v from "valibot";
import { z } from "zod";

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Equal<A, B>): void {}

const bank = {
  Opened: event<{ owner: string }>()
    .next(({ owner }) => ({ owner, currency: "EUR" }))
    .next(z.object({ owner: z.string().nullable(), currency: z.enum(["EUR", "USD"]) }), ({ owner, currency }) => ({
      owner,
      currency: currency === "USD" ? ("USD" as const) : ("EUR" as const),
    }))
    .personal("data.owner", ["owner"]),
  Deposited: event(v.object({ amount: v.number() })),
  Withdrawn: event(type({ amount: "number>0" })),
  Closed: event<null>(),
};
type BankEvent = EventOf<typeof bank>;

declare const streams: TransactionalStreamFactory & { forget(subject: string): Promise<void> };

/** The schemas of others fit, and ours are theirs. */
export function schemas(): void {
  const deposit: StandardSchema<unknown, { amount: number }> = z.object({ amount: z.number() });
  const theirs: StandardSchemaV1 = z.string();
  const ours: StandardSchema = theirs;
  void [deposit, ours satisfies StandardSchemaV1];
}

/** Each step takes what the one before gives, and what is personal may be null. */
export function versions(): void {
  // @ts-expect-error a step that takes something else than the version before gives
  event<{ a: string }>().next((data: { b: string }) => data);
  // @ts-expect-error an upcast that does not give what the schema says
  event<{ a: string }>().next(z.object({ b: z.string() }), ({ a }) => ({ a }));
  // @ts-expect-error a schema without an upcast
  event<{ a: string }>().next(z.object({ b: z.string() }));
  // @ts-expect-error owner is not nullable in version 1
  event<{ owner: string }>().personal("data.owner", ["owner"]);
  // @ts-expect-error there is no such key
  event<{ owner: string | null }>().personal("data.owner", ["email"]);
}

/** The union has the current versions, and is narrowed by the type. */
export function unions(happened: BankEvent): number {
  same<BankEvent["type"], "Opened" | "Deposited" | "Withdrawn" | "Closed">(true);
  switch (happened.type) {
    case "Opened":
      same<(typeof happened)["data"], { owner: string | null; currency: "EUR" | "USD" }>(true);
      return 0;
    case "Closed":
      same<(typeof happened)["data"], null>(true);
      return 0;
    default:
      return happened.data.amount;
  }
}

/** A typed store is of the type of the store, with what other decorators have added. */
export async function stores(): Promise<void> {
  const store = typed(streams, bank, { unknown: "keep" });
  same<typeof store, typeof streams>(true);
  await store.forget("ada");
  const account: Stream<BankEvent> = await store.openStream<BankEvent>("account-1");
  const metadata: ConventionalMetadata = { correlationId: "c", schemaVersion: 1 };
  await account.write({ type: "Opened", data: { owner: null, currency: "USD" }, metadata: { ...metadata } });
  // @ts-expect-error data of an older version
  await account.write({ type: "Opened", data: { owner: "ada" } });
  // @ts-expect-error there is no such option
  typed(streams, bank, { strict: true });
  const plain: StreamFactory = typed(streams as StreamFactory, bank);
  await using reading = await consume<BankEvent>(store, {
    name: "mail",
    startFrom: "end",
    types: ["Opened"],
    handle: async ({ id }) => void id,
  });
  const owners = documents<number, BankEvent>({
    name: "owners",
    types: ["Opened"],
    key: (each) => (each.type === "Opened" ? each.data.owner : null),
    evolve: (document) => (document ?? 0) + 1,
  });
  void [plain, reading, owners satisfies Projection<BankEvent>];
}
