/**
 * The documents of a vector editor, one SQLite file each.
 *
 * @packageDocumentation
 */
export { checkDocument } from "./check-document.js";
export { ConnectionFactory } from "./connection-factory.js";
export { DatabaseConfig } from "./database-config.js";
export { createDocument, deleteDocument } from "./documents.js";
export { EventRecorder } from "./event-recorder.js";
export type { EventStoreGateway } from "./event-store-gateway.js";
export { loadDocument } from "./load-document.js";
export { MigrationRunner } from "./migration-runner.js";
export { sampleEvents } from "./sample-events.js";
export { SqliteEventGateway } from "./sqlite-event-gateway.js";
export { redo, undo } from "./undo.js";
export { validateEnvelope } from "./validate-envelope.js";
