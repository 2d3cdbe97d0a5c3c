import { randomUUID } from "node:crypto";
import type { FlatEvent } from "../../../../examples/wiretuner/flat-event.js";
import { ConnectionFactory, createDocument, DatabaseConfig } from "../../../../examples/wiretuner/index.js";

export type Database = Awaited<ReturnType<ConnectionFactory["openConnection"]>>;

/** An event that the gateway takes. */
export function makeEvent(sequenceNumber: number, fields: Partial<FlatEvent> = {}): FlatEvent {
  return {
    eventId: randomUUID(),
    eventType: "CreatePathEvent",
    timestamp: 1_700_000_000_000 + sequenceNumber,
    sequenceNumber,
    pathId: `path-${sequenceNumber}`,
    ...fields,
  };
}

export function makeEvents(count: number, first = 0): FlatEvent[] {
  return Array.from({ length: count }, (_, index) => makeEvent(first + index));
}

/** A factory with one document, which is closed with it. */
export async function openDocument({
  documentId = randomUUID(),
  filePath,
}: {
  readonly documentId?: string;
  readonly filePath?: string;
} = {}) {
  const factory = new ConnectionFactory();
  await factory.initialize();
  const config = filePath === undefined ? DatabaseConfig.inMemory() : DatabaseConfig.file({ filePath });
  const db = await factory.openConnection({ documentId, config });
  await createDocument(db, { documentId, title: "Sketch" });
  return { db, documentId, factory, [Symbol.asyncDispose]: () => factory.closeAll() };
}
