import { makeNumberedEvent } from "../bench-event.js";
import type { Durability, WatchedStream } from "../subject.js";
import { type ActApp, openActApplication } from "./act-application.js";

const ACTOR = { id: "1", name: "user-17" };

/** An application with one state, one action and a reaction that is drained after every commit, as its README wires it. */
export async function watchAct(
  path: string,
  durability: Durability,
  listener: (number: number) => void,
): Promise<WatchedStream> {
  const { application, store } = await openActApplication(path, durability, ["number"]);
  const app = application
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
    close: () => store.dispose(),
  };
}
