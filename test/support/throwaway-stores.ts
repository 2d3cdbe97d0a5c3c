import { type PostgresStreamFactory, postgresStreamFactory } from "../../postgres.js";
import { disposingAlso } from "./disposing-also.js";
import { THROWAWAY } from "./postgres-server.js";
import { ReusedSchemas, sharedServer } from "./postgres-stores.js";
import { RecycledConnections } from "./recycled-connections.js";

/** Opens stores that are empty, on a server that no test kills. What takes long to make goes from one store to the next. */
export function throwawayStores(): () => Promise<PostgresStreamFactory> {
  const server = sharedServer(THROWAWAY);
  const connections = new RecycledConnections(async () => (await server()).url());
  const reused = new ReusedSchemas(server);
  return async () => {
    const { schemas, giveBack } = reused.take();
    const streams = await postgresStreamFactory(connections, { ...schemas, durability: "normal" });
    return disposingAlso(streams, { after: [giveBack] });
  };
}
