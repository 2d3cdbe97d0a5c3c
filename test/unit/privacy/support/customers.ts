import type { CandidateEvent, StoredEvent, Stream, StreamFactory } from "../../../../index.js";
import { event } from "../../../../src/events/index.js";

/** What the tests write: a customer's registration, an order of two persons, and an event that has nobody's data. */
export const customerTypes = {
  Registered: event<{ customerId: string; email: string | null; address: Address | null; plan: string }>().personal(
    "data.customerId",
    ["email", "address"],
  ),
  Ordered: event<{ buyer: string; buyerName: string | null; recipient: string; recipientName: string | null }>()
    .personal("data.buyer", ["buyerName"])
    .personal("data.recipient", ["recipientName"]),
  /** The id of the person is personal as well. */
  Opened: event<{ owner: string | null; currency: string }>().personal("data.owner", ["owner"]),
  Counted: event<{ number: number }>(),
};

export interface Address {
  readonly street: string;
  readonly lines: readonly (string | number)[];
}

export const ADDRESS: Address = { street: "Rue de Rivoli 1", lines: ["c/o Byron", 3] };

export const registered = (customerId: string, email: string, idempotencyKey?: string): CandidateEvent => ({
  type: "Registered",
  data: { customerId, email, address: ADDRESS as never, plan: "free" },
  ...(idempotencyKey !== undefined && { idempotencyKey }),
});

export const ordered = (buyer: string, recipient: string): CandidateEvent => ({
  type: "Ordered",
  data: { buyer, buyerName: `Name of ${buyer}`, recipient, recipientName: `Name of ${recipient}` },
});

export const opened = (owner: string): CandidateEvent => ({ type: "Opened", data: { owner, currency: "EUR" } });

export const counted = (number: number): CandidateEvent => ({ type: "Counted", data: { number } });

export async function readAll(streams: StreamFactory, streamId: string): Promise<StoredEvent[]> {
  await using stream = await streams.openStream(streamId);
  return await eventsOf(stream);
}

export async function eventsOf(stream: Stream): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const each of stream.read()) events.push(each);
  return events;
}

export async function writeTo(
  streams: StreamFactory,
  streamId: string,
  ...events: readonly CandidateEvent[]
): Promise<void> {
  await using stream = await streams.openStream(streamId);
  await stream.write(events);
}

export const dataOf = (events: readonly StoredEvent[]): readonly unknown[] => events.map(({ data }) => data);

/** The first version of a type whose second one has other names for its fields. */
export const firstVersion = () => event<{ id: string; mail: string | null }>().personal("data.id", ["mail"]);
