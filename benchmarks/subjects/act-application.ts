import type { Durability } from "../subject.js";
import { type ActStore, openActStore } from "./act-store.js";
import { importPeer } from "./import-peer.js";

/** The builders of Act, as far as they are called here: each call returns the next builder. */
export interface Builder {
  init(make: () => object): Builder;
  emits(events: object): Builder;
  patch(reducers: object): Builder;
  on(event: string | object): Builder;
  emit(decide: (action: unknown) => unknown): Builder;
  withState(state: unknown): Builder;
  withProjection(projection: unknown): Builder;
  do(react: (event: { data: { number: number } }) => Promise<void>): Builder;
  batch(project: (events: readonly { readonly stream: string }[]) => Promise<void>): Builder;
  to(target: string): Builder;
  build(): unknown;
}

export interface ActApp {
  do(action: string, target: object, payload: object): Promise<unknown>;
  on(event: "committed" | "settled", listener: () => void): void;
  settle(options?: { readonly eventLimit: number }): void;
}

interface ActModule {
  act(): Builder;
  state(shape: object): Builder;
  projection(target: string): Builder;
  store(store: ActStore): unknown;
}

interface ZodModule {
  readonly z: { number(): unknown; string(): unknown; object(shape: object): unknown };
}

/** What an application of Act is made of: the store, and a state with one action and one event. */
export async function openActApplication(path: string, durability: Durability, fields: readonly string[] = []) {
  const [{ act, state, store, projection }, { z }] = await Promise.all([
    importPeer<ActModule>("@rotorsoft/act"),
    importPeer<ZodModule>("zod"),
  ]);
  const opened = await openActStore(path, durability);
  store(opened);
  const more = Object.fromEntries(fields.map((field) => [field, z.number()]));
  const data = z.object({ ...more, order: z.string(), amount: z.number(), note: z.string(), at: z.number() });
  const account = state({ Account: z.object({ orders: z.number() }) })
    .init(() => ({ orders: 0 }))
    .emits({ OrderPlaced: data })
    .patch({ OrderPlaced: (_event: unknown, { orders }: { orders: number }) => ({ orders: orders + 1 }) })
    .on({ place: data })
    .emit((payload) => ["OrderPlaced", payload])
    .build();
  return { application: act().withState(account), projection, store: opened, data };
}
