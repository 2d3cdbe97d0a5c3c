import { makeNumberedEvent } from "../bench-event.js";
import type { Durability, WatchedStream } from "../subject.js";
import { type ActStore, openActStore } from "./act-store.js";
import { importPeer } from "./import-peer.js";

const ACTOR = { id: "1", name: "user-17" };

/** The builders of Act, as far as they are called here: each call returns the next builder. */
interface Builder {
  init(make: () => object): Builder;
  emits(events: object): Builder;
  patch(reducers: object): Builder;
  on(event: string | object): Builder;
  emit(decide: (action: unknown) => unknown): Builder;
  withState(state: unknown): Builder;
  do(react: (event: { data: { number: number } }) => Promise<void>): Builder;
  to(target: string): Builder;
  build(): unknown;
}

interface ActApp {
  do(action: string, target: object, payload: object): Promise<unknown>;
  on(event: "committed", listener: () => void): void;
  settle(): void;
}

interface ActModule {
  act(): Builder;
  state(shape: object): Builder;
  store(store: ActStore): unknown;
}

interface ZodModule {
  readonly z: { number(): unknown; string(): unknown; object(shape: object): unknown };
}

/** An application with one state, one action and a reaction that is drained after every commit, as its README wires it. */
export async function watchAct(
  path: string,
  durability: Durability,
  listener: (number: number) => void,
): Promise<WatchedStream> {
  const [{ act, state, store }, { z }] = await Promise.all([
    importPeer<ActModule>("@rotorsoft/act"),
    importPeer<ZodModule>("zod"),
  ]);
  const opened = await openActStore(path, durability);
  store(opened);
  const data = z.object({
    number: z.number(),
    order: z.string(),
    amount: z.number(),
    note: z.string(),
    at: z.number(),
  });
  const account = state({ Account: z.object({ orders: z.number() }) })
    .init(() => ({ orders: 0 }))
    .emits({ OrderPlaced: data })
    .patch({ OrderPlaced: (_event: unknown, { orders }: { orders: number }) => ({ orders: orders + 1 }) })
    .on({ place: data })
    .emit((payload) => ["OrderPlaced", payload])
    .build();
  const app = act()
    .withState(account)
    .on("OrderPlaced")
    .do(async function hear({ data }) {
      listener(data.number);
    })
    .to("listener")
    .build() as ActApp;
  app.on("committed", () => app.settle());
  return {
    async append(number) {
      await app.do("place", { stream: "account", actor: ACTOR }, makeNumberedEvent(number).data);
    },
    close: () => opened.dispose(),
  };
}
