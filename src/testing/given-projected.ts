import assert, { AssertionError } from "node:assert";
import { inspect } from "node:util";
import {
  type AdministrableStreamFactory,
  ALL_STREAM,
  DELETED_EVENT_TYPE,
  type DeletedEvent,
  type EventShape,
  type SQLValue,
  type StoredEvent,
  type TransactionalStreamFactory,
} from "../../protocols/index.js";
import { filterOf, isWanted } from "../consumers/wanted-events.js";
import { MAX_TRANSACTION_TIMEOUT_MS } from "../limits.js";
import { parseProjections } from "../projections/definition.js";
import { type ModelStore, type ModelTransaction, modelStoreOf } from "../projections/model-store.js";
import type { Projection } from "../projections/projection.js";
import { VersionedContext } from "../projections/versioned-context.js";
import { sql } from "../transaction/sql-statement.js";
import { type BatchPlan, batchPlans } from "./batch-plans.js";
import { type AnyTestEvent, storedContent, type TestEvent } from "./test-event.js";

/** An event of a test, with the stream that it is of. */
export type ProjectedEvent<E extends EventShape> = TestEvent<E> & {
  /** The stream that it is written to. */
  readonly streamId: string;
};

/** What a projection has made of some events. */
export interface GivenProjected {
  /**
   * Expects the rows of a table, under its plain name, in any order.
   *
   * @throws AssertionError when a table has other rows, however the events were divided into batches; the message has the batches.
   */
  thenRows(table: string, expected: readonly object[]): Promise<void>;
}

type TestStore = TransactionalStreamFactory & AdministrableStreamFactory;

type Row = Readonly<Record<string, SQLValue>>;

/** The tables that came of the batches of a plan. */
interface ProjectedTables {
  readonly plan: BatchPlan;
  readonly tables: ReadonlyMap<string, readonly Row[]>;
}

const ATTEMPT = "test a projection";

/** @param open - opens an empty store with SQL */
export function projectedOver<E extends EventShape>(
  open: () => Promise<TestStore>,
  projection: Projection<E>,
  events: readonly ProjectedEvent<E>[],
): GivenProjected {
  let projecting: Promise<readonly ProjectedTables[]> | undefined;
  return {
    async thenRows(table, expected) {
      projecting ??= projectAll(open, projection as Projection, events as readonly ProjectedEvent<EventShape>[]);
      for (const { plan, tables } of await projecting) assertRows(plan, tables, table, expected as readonly Row[]);
    },
  };
}

async function projectAll(
  open: () => Promise<TestStore>,
  projection: Projection,
  given: readonly ProjectedEvent<EventShape>[],
): Promise<readonly ProjectedTables[]> {
  const [parsed] = parseProjections([projection]) as [Projection & { readonly version: number }];
  const contents = given.map((event, index) => [event.streamId, storedContent(event, `event ${index}`)] as const);
  await using streams = await open();
  const events: StoredEvent[] = [];
  for (const [streamId, event] of contents) {
    // What goes with the stream comes to the projection before.
    if (event.type === DELETED_EVENT_TYPE) events.push(...(await wantedEvents(streams, parsed, events.at(-1))));
    await write(streams, streamId, event);
  }
  events.push(...(await wantedEvents(streams, parsed, events.at(-1))));
  const model = modelStoreOf(streams, undefined, ATTEMPT);
  const projected: ProjectedTables[] = [];
  // Each plan is a build of its own, so that the events are written once.
  for (const [generation, plan] of batchPlans(events.length, Math.random).entries()) {
    const build = { name: parsed.name, version: parsed.version, generation };
    projected.push({ plan, tables: await projectPlan(model, parsed, build, events, plan) });
  }
  return projected;
}

/** A tombstone is what `deleteStream` writes. */
async function write(streams: TestStore, streamId: string, event: AnyTestEvent): Promise<void> {
  if (event.type === DELETED_EVENT_TYPE) {
    const { data } = event as DeletedEvent;
    await streams.deleteStream(streamId, { reason: data ?? undefined });
  } else {
    await (await streams.openStream(streamId)).write(event as never);
  }
}

/** The events that the projection wants behind the last one that was read. */
async function wantedEvents(
  streams: TestStore,
  projection: Projection,
  last: StoredEvent | undefined,
): Promise<readonly StoredEvent[]> {
  const { types } = projection;
  const events: StoredEvent[] = [];
  const all = await streams.openStream(ALL_STREAM);
  for await (const event of all.read({ after: last?.position ?? 0, filter: filterOf(projection) }))
    if (isWanted(event.type, types)) events.push(event);
  return events;
}

async function projectPlan(
  model: ModelStore,
  projection: Projection,
  build: ConstructorParameters<typeof VersionedContext>[1],
  events: readonly StoredEvent[],
  { sizes, isInterrupted }: BatchPlan,
): Promise<ReadonlyMap<string, readonly Row[]>> {
  const plainNames = new Set<string>();
  const transact = async <T>(work: (context: VersionedContext, tx: ModelTransaction) => Promise<T>): Promise<T> =>
    model.run(ATTEMPT, MAX_TRANSACTION_TIMEOUT_MS, async (tx) => {
      const context = new VersionedContext(tx, build, model.spaces);
      const result = await work(context, tx);
      for (const plainName of context.tables) plainNames.add(plainName);
      return result;
    });
  await transact(async (context) => projection.tables?.(context));
  let first = 0;
  for (const size of sizes) {
    // Its own copy of each event, as a batch that is read again has.
    const batch = () => structuredClone(events.slice(first, first + size));
    const project = async (context: VersionedContext): Promise<void> => projection.project(batch(), context);
    if (isInterrupted) await crashed(transact(async (context) => project(context).then(crash)));
    await transact(project);
    first += size;
  }
  return transact(async (context, tx) => {
    const tables = new Map<string, readonly Row[]>();
    for (const plainName of plainNames) {
      tables.set(plainName, await tx.sql.all<Row>(sql`SELECT * FROM ${context.table(plainName)}`));
    }
    return tables;
  });
}

/** The process ended before the commit. */
class Crash extends Error {}

function crash(): never {
  throw new Crash();
}

async function crashed(transaction: Promise<unknown>): Promise<void> {
  await transaction.catch((error: unknown) => {
    if (!(error instanceof Crash)) throw error;
  });
}

function assertRows(
  plan: BatchPlan,
  tables: ReadonlyMap<string, readonly Row[]>,
  table: string,
  expectedRows: readonly Row[],
): void {
  const rows = tables.get(table);
  if (rows === undefined) {
    const names = [...tables.keys()].join(", ") || "none";
    throw new AssertionError({
      message: `The projection has no table "${table}"; it has: ${names}`,
      operator: "thenRows",
    });
  }
  const [actual, expected] = [sorted(rows), sorted(expectedRows)];
  try {
    assert.deepStrictEqual(actual, expected);
  } catch (error) {
    const { message } = error as Error;
    throw new AssertionError({
      message: `Table "${table}", projected in ${plan.description}: ${message}`,
      actual,
      expected,
      operator: "thenRows",
    });
  }
}

/** In an order of their own: rows have none. */
function sorted(rows: readonly Row[]): readonly Row[] {
  const keyed = rows.map((row) => ({
    key: inspect(row, { sorted: true, depth: null, maxStringLength: null }),
    row: { ...row },
  }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : Number(a.key > b.key))).map(({ row }) => row);
}
