import type { ProjectingStore } from "../subject.js";
import { importPeer } from "./import-peer.js";

interface ProjectionsModule {
  sqliteRawSQLProjection(options: {
    readonly canHandle: readonly string[];
    evolve(event: { readonly metadata: { readonly streamName: string } }): string;
  }): object;
}

interface ProjectionConsumer {
  processor(options: {
    readonly processorId: string;
    readonly projection: object;
    readonly startFrom: "BEGINNING";
    stopAfter(): boolean;
  }): void;
  start(): Promise<void>;
}

/** Its projection of SQL text, run by a consumer as its documentation shows, into a table that is there. */
export async function projectEmmett(
  store: { consumer(options: { readonly pulling: { readonly batchSize: number } }): ProjectionConsumer },
  table: string,
): Promise<ProjectingStore> {
  const { sqliteRawSQLProjection } = await importPeer<ProjectionsModule>("@event-driven-io/emmett-sqlite");
  const projection = sqliteRawSQLProjection({
    canHandle: ["OrderPlaced"],
    evolve: ({ metadata: { streamName } }) =>
      `INSERT INTO ${table} VALUES ('${streamName}', 1) ON CONFLICT (id) DO UPDATE SET changes = changes + 1`,
  });
  return {
    async project({ events, batchSize }) {
      const consumer = store.consumer({ pulling: { batchSize } });
      let left = events;
      const isLast = (): boolean => {
        left -= 1;
        return left === 0;
      };
      consumer.processor({ processorId: "projection", projection, startFrom: "BEGINNING", stopAfter: isLast });
      // Settles behind the last event.
      await consumer.start();
    },
    close: () => undefined,
  };
}
