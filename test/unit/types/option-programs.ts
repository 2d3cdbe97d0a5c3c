// Programs that hand on options which may be missing. They must compile under `exactOptionalPropertyTypes`, where undefined
// counts as missing only if a type says so. The check of types is their test.
import type { EventFilter, Records, SQLStatement, TransactionalStreamFactory } from "async-streams";
import { type Fold, handle } from "async-streams/commands";
import { type ConsumerDefinition, consume } from "async-streams/consumers";
import {
  documents,
  dropProjection,
  type ProjectionRunner,
  projectToMemory,
  type ReadModelStore,
  whenProcessed,
} from "async-streams/projections";
import { given } from "async-streams/testing";

interface Counted {
  readonly type: "Counted";
  readonly data: null;
}

declare const streams: TransactionalStreamFactory;
declare const records: Records;
declare const statement: SQLStatement;
declare const runner: ProjectionRunner;
declare const store: ReadModelStore | undefined;
declare const counter: Fold<number, Counted>;
declare const text: string | undefined;
declare const count: number | undefined;
declare const signal: AbortSignal | undefined;
declare const types: readonly "Counted"[] | undefined;
declare const filter: EventFilter | undefined;
declare const missing: "refuse" | "skip" | undefined;
declare const metadata: object | undefined;

/** Undefined stands for "not given" in every option. */
export async function handedOn(): Promise<void> {
  await streams.query(statement, { signal });
  await records.list("settings", { after: text, prefix: text, limit: count });
  await runner.rebuild("counter", { missing, signal });
  const consumer: ConsumerDefinition<Counted> = { name: "counter", startFrom: "beginning", handle: async () => {} };
  await consume(streams, consumer, { checkpointEvery: { events: count, ms: count } });
  const evolve = (state: number | null) => (state ?? 0) + 1;
  documents<number, Counted>({ name: "counter", version: count, types, filter, evolve });
  const memory = { name: "counter", initial: () => 0, evolve };
  const definition = { ...memory, version: count, types, filter, snapshotEvery: count };
  const counted = await projectToMemory<number, Counted>(streams, definition);
  await counted.whenProcessed(1, { timeoutMs: count, signal });
  await whenProcessed(streams, "counter", 1, { timeoutMs: count, signal });
  await dropProjection(streams, "counter", { store });
  const named = { correlationId: text, causationId: text };
  await handle(streams, counter, "counter-1", () => [], { metadata: named });
  given<number, Counted>(counter, { type: "Counted", data: null, metadata });
}
