// Does one task over a store of the main thread, and reports what came of it.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { ALL_STREAM, ConcurrencyError, StorageError, sql, type TransactionalStreamFactory } from "../../../../index.js";
import { type Projection, runProjections, sqliteReadModels, whenProcessed } from "../../../../projections.js";
import { connectStreams } from "../../../../src/worker/index.js";

/** What the worker is to do. */
export type WorkerTask =
  /** Begins a transaction, writes in it and then never ends it: waiting, or without letting anything else run. */
  | { readonly kind: "stay in a transaction"; readonly manner: "waits" | "spins"; readonly timeoutMs: number }
  /** Watches the store, and stops its thread at the first event until the flag is not 0. */
  | { readonly kind: "watch"; readonly flag: SharedArrayBuffer; readonly count: number }
  | { readonly kind: "fail" }
  | {
      readonly kind: "project";
      readonly path: string;
      readonly position: number;
      /** Where it stops its thread in the midst of a batch, once, until the flag is not 0. */
      readonly held?: { readonly position: number; readonly flag: SharedArrayBuffer };
      /** How often it projects everything again. */
      readonly rebuilds?: number;
    };

type Deposited = { type: string; data: { amount: number } };

/** Something that the worker says. */
export interface WorkerReport {
  readonly name: string;
  readonly value: unknown;
}

const { port, task } = workerData as { readonly port: MessagePort; readonly task: WorkerTask };

function report(name: string, value?: unknown): void {
  parentPort?.postMessage({ name, value } satisfies WorkerReport);
}

async function stayInTransaction(
  streams: TransactionalStreamFactory,
  { manner, timeoutMs }: Extract<WorkerTask, { kind: "stay in a transaction" }>,
): Promise<void> {
  await streams.transaction(
    async (tx) => {
      await tx.write("a", { type: "FromWorker", data: null });
      report("begun");
      while (manner === "spins");
      await new Promise(() => setInterval(() => undefined, 1_000));
    },
    { timeoutMs },
  );
}

async function watch(
  streams: TransactionalStreamFactory,
  { flag, count }: Extract<WorkerTask, { kind: "watch" }>,
): Promise<void> {
  const everything = await streams.openStream(ALL_STREAM);
  const positions: number[] = [];
  for await (const { position } of everything.watch({ after: 0 })) {
    positions.push(position);
    if (positions.length === 1) {
      report("stopped");
      Atomics.wait(new Int32Array(flag), 0, 0);
    }
    if (positions.length === count) break;
  }
  report("watched", positions);
}

async function fail(streams: TransactionalStreamFactory): Promise<void> {
  const a = await streams.openStream("a");
  const conflict: unknown = await a.write({ type: "A", data: null }, { expectedVersion: 7 }).catch((error) => error);
  report("conflict", conflict instanceof ConcurrencyError && { ...conflict, message: conflict.message });
  const failure: unknown = await streams.query(sql`SELECT * FROM nothing`).catch((error) => error);
  const cause: unknown = failure instanceof StorageError && failure.cause;
  report("failure", failure instanceof StorageError && { code: failure.code, isCauseError: cause instanceof Error });
}

const balances = (held?: { readonly position: number; readonly flag: SharedArrayBuffer }): Projection<Deposited> => ({
  name: "balances",
  async tables({ sql: db, table }) {
    await db.run(sql`CREATE TABLE ${table("balances")} (id TEXT PRIMARY KEY, balance REAL NOT NULL)`);
  },
  async project(events, { sql: db, table }) {
    for (const { streamId, data, position } of events) {
      await db.run(sql`INSERT INTO ${table("balances")} AS total VALUES (${streamId}, ${data.amount})
        ON CONFLICT (id) DO UPDATE SET balance = total.balance + excluded.balance`);
      if (position !== held?.position) continue;
      report("held", events[0]?.position);
      Atomics.wait(new Int32Array(held.flag), 0, 0);
    }
  },
});

async function project(
  streams: TransactionalStreamFactory,
  { path, position, held, rebuilds = 0 }: Extract<WorkerTask, { kind: "project" }>,
): Promise<void> {
  await using models = await sqliteReadModels(path, { driver: "better-sqlite3" });
  await using runner = await runProjections(streams, [balances(held)], { store: models, leaseMs: 1_000 });
  report("running");
  await whenProcessed(models, "balances", position, { timeoutMs: 100_000 });
  const rows = () => models.query(sql`SELECT * FROM balances ORDER BY id`);
  for (let number = 1; number <= rebuilds; number += 1) {
    report(`before rebuild ${number}`);
    await runner.rebuild("balances");
    report(`after rebuild ${number}`, await rows());
  }
  report("rows", await rows());
}

await using streams = await connectStreams(port);
if (task.kind === "stay in a transaction") await stayInTransaction(streams, task);
else if (task.kind === "watch") await watch(streams, task);
else if (task.kind === "fail") await fail(streams);
else await project(streams, task);
