import type { Fold } from "async-streams/commands";
import { type EventOf, event } from "async-streams/events";

/** What can happen to an order. The first orders had no currency. */
export const orderEvents = {
  Placed: event<{ customer: string; cents: number }>().next((data) => ({ ...data, currency: "EUR" })),
  Paid: event<{ cents: number }>(),
  Shipped: event<{ carrier: string }>(),
};
export type OrderEvent = EventOf<typeof orderEvents>;

/** An order as it is decided on. Version 0: there is none yet. */
export interface Order {
  readonly version: number;
  readonly status: "unknown" | "placed" | "paid" | "shipped";
  readonly cents: number;
}

export const order: Fold<Order, OrderEvent> = {
  name: "order",
  initial: () => ({ version: 0, status: "unknown", cents: 0 }),
  evolve(state, { version, type, data }) {
    if (type === "Placed") return { version, status: "placed", cents: data.cents };
    return { ...state, version, status: type === "Paid" ? "paid" : "shipped" };
  },
};

/** The state of the order does not allow it. */
export class OrderConflict extends Error {}

/** What may be done with an order, and what comes of it. */
export const commands = {
  place({ status }: Order, { customer, cents }: Input): OrderEvent {
    if (status !== "unknown") throw new OrderConflict("the order was placed before");
    return { type: "Placed", data: { customer: textOf("customer", customer), cents: centsOf(cents), currency: "EUR" } };
  },
  pay({ status, cents: due }: Order, { cents }: Input): OrderEvent {
    if (status !== "placed") throw new OrderConflict(`an order that is ${status} cannot be paid`);
    if (centsOf(cents) !== due) throw new OrderConflict(`the order costs ${due} cents`);
    return { type: "Paid", data: { cents: due } };
  },
  ship({ status }: Order, { carrier }: Input): OrderEvent {
    if (status !== "paid") throw new OrderConflict(`an order that is ${status} cannot be shipped`);
    return { type: "Shipped", data: { carrier: textOf("carrier", carrier) } };
  },
};

/** The body of a request, which nobody has checked. */
export type Input = Readonly<Record<string, unknown>>;

/** The body of a request is not what the command takes. */
export class InvalidInput extends Error {}

function textOf(field: string, value: unknown): string {
  // Half of a surrogate pair is no text for a database: the table could not go on behind the event.
  if (typeof value === "string" && value !== "" && value.isWellFormed()) return value;
  throw new InvalidInput(`"${field}" must be a text`);
}

function centsOf(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidInput('"cents" must be a whole number above 0');
}
