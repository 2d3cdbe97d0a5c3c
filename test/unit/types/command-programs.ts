// Programs on commands and their tests that must compile, and `@ts-expect-error` before what must not. The check of types is
// their test.
import type { JsonValue, StreamFactory, TransactionalStreamFactory } from "async-streams";
import { type Fold, handle, handleQuery, loadQuery, loadState, type QueryFold } from "async-streams/commands";
import { type EventOf, event, typed } from "async-streams/events";
import { given } from "async-streams/testing";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Same<A, B>): void {}

const parcelEvents = {
  Packed: event<{ grams: number }>().next(({ grams }) => ({ kilograms: grams / 1_000 })),
  Sent: event<{ carrier: string }>(),
  Lost: event<null>(),
};
type ParcelEvent = Exclude<EventOf<typeof parcelEvents>, { type: "Lost" }> | { type: "Lost"; data: null };
interface Parcel {
  readonly kilograms: number;
  readonly carrier: string | null;
}

const parcel: Fold<Parcel, ParcelEvent> = {
  name: "parcel",
  initial: () => ({ kilograms: 0, carrier: null }),
  evolve: (state, stored) => {
    switch (stored.type) {
      case "Packed":
        return { ...state, kilograms: stored.data.kilograms };
      case "Sent":
        return { ...state, carrier: stored.data.carrier };
      case "Lost":
        same<typeof stored.data, null>(true);
        return state;
    }
  },
};

const customerEvents = {
  Registered: event<{ id: string; email: string | null }>().personal("data.id", ["email"]),
};
type CustomerEvent = EventOf<typeof customerEvents>;

/** What is erased reads as null, and a fold has to say what happens then. */
export const addresses: Fold<readonly string[], CustomerEvent> = {
  name: "addresses",
  initial: () => [],
  evolve: (state, { data }) => (data.email === null ? state : [...state, data.email.toLowerCase()]),
};
export const forgetful: Fold<readonly string[], CustomerEvent> = {
  name: "forgetful",
  initial: () => [],
  // @ts-expect-error the address may be erased
  evolve: (state, { data }) => [...state, data.email.toLowerCase()],
};

const lost = { type: "Lost", data: null } as const;
const eaten = { type: "Eaten", data: null } as const;

declare const streams: StreamFactory;
declare const transactional: TransactionalStreamFactory;

export async function handling(): Promise<void> {
  const store = typed(streams, parcelEvents);
  const { state, events, version } = await handle(store, parcel, "parcel-1", ({ carrier }) =>
    carrier === null ? { type: "Sent", data: { carrier: "post" } } : [],
  );
  same<typeof state, Parcel>(true);
  same<typeof version, number>(true);
  for (const { type } of events) same<typeof type, "Packed" | "Sent" | "Lost">(true);
  await handle(store, parcel, "parcel-1", async () => [{ type: "Lost", data: null }], { commandId: "c", attempts: 3 });
  await handle(store, parcel, "parcel-1", () => [{ type: "Packed", data: { kilograms: 1 }, metadata: { by: "ada" } }]);
  // @ts-expect-error no event of a parcel
  await handle(store, parcel, "parcel-1", () => ({ type: "Eaten", data: null }));
  // @ts-expect-error the form of an older version
  await handle(store, parcel, "parcel-1", () => ({ type: "Packed", data: { grams: 1 } }));
  // @ts-expect-error one of several is no event of a parcel
  await handle(store, parcel, "parcel-1", () => [lost, eaten]);
  // @ts-expect-error the state has no such field
  await handle(store, parcel, "parcel-1", ({ weight }) => (weight > 1 ? [] : []));
  // @ts-expect-error an unknown option
  await handle(store, parcel, "parcel-1", () => [], { retries: 3 });
  const loaded = await loadState(store, parcel, "parcel-1", { atVersion: 3 });
  same<typeof loaded.state, Parcel>(true);
}

/** Events as Emmett's `Event` makes them, and a decider of them: its functions are used as they are. */
type Ported<T extends string, D> = Readonly<{ type: T; data: D }> & { readonly kind?: "Event" };
type CartEvent = Ported<"Added", { product: string; at: string }> | Ported<"Confirmed", { at: string }>;
type Cart = { status: "Empty" } | { status: "Opened"; products: Map<string, number> } | { status: "Closed" };
type CartCommand = { type: "Add"; data: { product: string } } | { type: "Confirm"; data: Record<string, never> };

declare const decider: {
  decide(command: CartCommand, state: Cart): CartEvent | CartEvent[];
  evolve(state: Cart, event: CartEvent): Cart;
  initialState(): Cart;
};

export async function portedDecider(command: CartCommand): Promise<void> {
  const { decide, evolve, initialState } = decider;
  const cart: Fold<Cart, CartEvent> = { name: "cart", initial: initialState, evolve };
  const { state } = await handle(streams, cart, "cart-1", (before) => decide(command, before), { commandId: "c" });
  same<typeof state, Cart>(true);
  await given(cart, { type: "Added", data: { product: "cup", at: "2026-01-01" } })
    .when((before) => decide(command, before))
    .thenEvents({ type: "Confirmed", data: { at: "2026-01-01" } });
}

type Filled =
  | { type: "Filled"; data: { items: { name: string; tags: string[] }[]; any: JsonValue } }
  | { type: "Emptied"; data: null };
declare const box: Fold<number, Filled>;

/** Arrays of a literal are readonly in its type, and may stand for those of an event that are not. */
export async function literalArrays(): Promise<void> {
  const item = { name: "cup", tags: [] };
  await handle(streams, box, "box", () => [
    { type: "Filled", data: { items: [{ name: "a", tags: ["b"] }], any: [1] } },
  ]);
  await handle(streams, box, "box", async (count) =>
    count > 1 ? [] : { type: "Filled", data: { items: [{ name: "a", tags: ["b"] }, item], any: { a: [[]] } } },
  );
  await given(box).when(() => [{ type: "Filled", data: { items: [{ name: "a", tags: ["b"] }], any: null } }]);
  // @ts-expect-error a tag is text
  await handle(streams, box, "box", () => [{ type: "Filled", data: { items: [{ name: "a", tags: [1] }], any: null } }]);
  const filter = [{ field: "type", op: "=", value: "Filled" }] as const;
  await handleQuery(transactional, box, filter, (count) => {
    const filled = { type: "Filled", data: { items: [{ name: "a", tags: ["b"] }, item], any: { a: [[]] } } } as const;
    return count > 1 ? [] : [{ streamId: `box-${count}`, expectedVersion: 0, events: [filled, filled] }];
  });
  await handleQuery(transactional, box, filter, () => [
    // @ts-expect-error a tag is text
    { streamId: "box", events: { type: "Filled", data: { items: [{ name: "a", tags: [1] }], any: null } } },
  ]);
  // @ts-expect-error no event of a box
  await handleQuery(transactional, box, filter, () => [{ streamId: "box", events: eaten }]);
}

export async function querying(): Promise<void> {
  const total: QueryFold<number, ParcelEvent> = { name: "total", initial: () => 0, evolve: (count) => count + 1 };
  const filter = [{ field: "type", op: "=", value: "Sent" }] as const;
  const { position } = await loadQuery(streams, total, [filter, filter]);
  same<typeof position, number>(true);
  const { state, results } = await handleQuery(transactional, total, filter, (count) =>
    count > 3 ? [] : [{ streamId: "parcel-2", events: { type: "Sent", data: { carrier: "post" } } }],
  );
  same<typeof state, number>(true);
  same<(typeof results)[number]["written"], number>(true);
  // @ts-expect-error no event of a parcel
  await handleQuery(transactional, total, filter, () => [{ streamId: "parcel-2", events: eaten }]);
  // @ts-expect-error a store that writes to one stream at a time
  await handleQuery(streams, total, filter, () => []);
}

export async function testing(): Promise<void> {
  const packed = { type: "Packed", data: { kilograms: 2 } } as const;
  await given(parcel, packed)
    .when(({ kilograms }) => ({ type: "Sent", data: { carrier: kilograms > 1 ? "freight" : "post" } }))
    .thenEvents({ type: "Sent", data: { carrier: "freight" } });
  given(parcel).thenState({ kilograms: 0, carrier: null });
  given(addresses, { type: "Registered", data: { id: "ada", email: null } }).thenState([]);
  // @ts-expect-error no event of a parcel
  given(parcel, { type: "Eaten", data: null });
  const none = given(parcel).when(() => []);
  // @ts-expect-error decides on an event of another stream
  await given(parcel).when(() => eaten);
  // @ts-expect-error expects an event of another stream
  await none.thenEvents(eaten);
  // @ts-expect-error another state
  given(parcel).thenState({ kilograms: 0 });
  // @ts-expect-error no error
  await none.thenThrows("not enough");
}
