import { sql } from "async-streams";
import type { Fold } from "async-streams/commands";
import type { Projection } from "async-streams/projections";

/** What can happen to an order. */
export type OrderEvent =
  | { type: "Placed"; data: { customer: string; cents: number } }
  | { type: "Paid"; data: { cents: number } };

/** What a command has to know of an order. */
export interface Order {
  readonly status: "unknown" | "placed" | "paid";
  readonly cents: number;
}

export const order: Fold<Order, OrderEvent> = {
  name: "order",
  initial: () => ({ status: "unknown", cents: 0 }),
  evolve: (state, { type, data }) =>
    type === "Placed" ? { status: "placed", cents: data.cents } : { ...state, status: "paid" },
};

/** The state of the order does not allow the command. */
export class OrderConflict extends Error {}

/** The request does not have what the command needs. */
export class InvalidRequest extends Error {}

/** The body of a request, which nobody has checked. */
export type Input = Readonly<Record<string, unknown>>;

/** What may be done with an order, and the event that comes of it. */
export const commands = {
  place({ status }: Order, { customer, cents }: Input): OrderEvent {
    // Half of a surrogate pair is no text that a table could have.
    if (typeof customer !== "string" || customer === "" || !customer.isWellFormed())
      throw new InvalidRequest('"customer" must be a text');
    if (status !== "unknown") throw new OrderConflict("the order was placed before");
    return { type: "Placed", data: { customer, cents: checkCents(cents) } };
  },
  pay({ status, cents: due }: Order, { cents }: Input): OrderEvent {
    if (status !== "placed") throw new OrderConflict(`an order that is ${status} cannot be paid`);
    if (checkCents(cents) !== due) throw new OrderConflict(`the order costs ${due} cents`);
    return { type: "Paid", data: { cents: due } };
  },
};

function checkCents(cents: unknown): number {
  if (typeof cents === "number" && Number.isSafeInteger(cents) && cents > 0) return cents;
  throw new InvalidRequest('"cents" must be a whole number above 0');
}

/** The read model: a table for lists. It can be deleted and built again. */
export const orderTable: Projection<OrderEvent> = {
  name: "orders",
  async tables({ sql: db, table }) {
    await db.run(sql`
      CREATE TABLE ${table("orders")} (id TEXT PRIMARY KEY, customer TEXT NOT NULL, cents BIGINT NOT NULL, status TEXT NOT NULL)`);
  },
  async project(events, { sql: db, table }) {
    for (const { streamId, type, data } of events) {
      if (type === "Placed") {
        await db.run(
          sql`INSERT INTO ${table("orders")} VALUES (${streamId}, ${data.customer}, ${data.cents}, 'placed')`,
        );
      } else {
        await db.run(sql`UPDATE ${table("orders")} SET status = 'paid' WHERE id = ${streamId}`);
      }
    }
  },
};
