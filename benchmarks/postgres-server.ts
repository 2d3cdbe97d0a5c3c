import { dirname } from "node:path";
import { PostgresServer, type ServerSettings } from "../test/support/postgres-server.js";
import type { Heat } from "./plan.js";

/** As the server comes, which flushes its log. No checkpoint of one measurement falls into the next. */
const SETTINGS: ServerSettings = { max_connections: "200", max_wal_size: "4GB", checkpoint_timeout: "1h" };

/** Starts a server beside the run's folder, where a subject needs one. */
export async function serverFor(heats: readonly Heat[], folder: string): Promise<PostgresServer | null> {
  const isNeeded = heats.some(({ subjects }) => subjects.some(({ needsServer }) => needsServer));
  return isNeeded ? PostgresServer.start(SETTINGS, dirname(folder)) : null;
}
