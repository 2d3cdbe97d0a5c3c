import type { Durability, ProjectingStore } from "../subject.js";
import { COUNT_CHANGE, CREATE_ACCOUNTS } from "./accounts-table.js";
import { type ActApp, openActApplication } from "./act-application.js";

/** A projection with a handler of batches that stores them at once, as its README advises. */
export async function projectAct(path: string, durability: Durability): Promise<ProjectingStore> {
  const { application, projection, store, data } = await openActApplication(path, durability);
  await store.client.execute(CREATE_ACCOUNTS);
  let projected = 0;
  const counts = projection("counts")
    .on({ OrderPlaced: data })
    .do(async function count() {})
    .batch(async (events) => {
      await store.client.batch(
        events.map(({ stream }) => ({ sql: COUNT_CHANGE, args: [stream] })),
        "write",
      );
      projected += events.length;
    })
    .build();
  const app = application.withProjection(counts).build() as ActApp;
  return {
    async project({ events, batchSize }) {
      const settled = new Promise<void>((resolve) => app.on("settled", resolve));
      app.settle({ eventLimit: batchSize });
      await settled;
      if (projected !== events) throw new Error(`${projected} events of ${events} were projected`);
    },
    close: () => store.dispose(),
  };
}
