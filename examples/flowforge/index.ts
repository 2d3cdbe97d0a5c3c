/** FlowForge's database layer: the ports, their two adapters, and what a window has of them. */
export { createDbContext } from "./create-db-context.js";
export { initDb } from "./init-db.js";
export { connectWindowDb } from "./ipc/connect-window-db.js";
export { registerIpc } from "./ipc/register-ipc.js";
export type { BlobStorePort, DbContext, EventStorePort, ProjectionStorePort, TxPort } from "./ports.js";
