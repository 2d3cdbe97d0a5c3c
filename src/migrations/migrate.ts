import type { SQL, StoredRecord, TransactionalStreamFactory } from "../../protocols/index.js";
import { recordsOf } from "../transaction/records-of.js";
import type { CallSession } from "../transaction/run-transaction.js";
import { type StoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { noSQL } from "../transaction/store-transaction.js";
import { inAttempt, inCall, inCallback } from "../validate/in-call.js";
import type { MigrateOptions, Migration, MigrationReport, MigrationStep } from "./migration.js";
import { MIGRATIONS_SPACE } from "./migrations-space.js";
import { type Step, stepsTo } from "./next-step.js";
import { type MigrationGoal, parseMigrations } from "./parse-migrations.js";

const ATTEMPT = "migrate the tables";

/**
 * Brings the application's tables to a state: applies the migrations that were not applied, in order, and undoes those that
 * come after `to`, in reverse order.
 *
 * Each runs in a transaction of its own, together with the note that it ran, so it runs once however many processes start at
 * the same time. When one fails, it leaves nothing, and those before it stay. A migration has no time-out, and every writer
 * waits for it.
 *
 * @param migrations - all of them, oldest first, or the promise that `migrationsFrom` returns
 * @returns what this call did; empty lists when there was nothing to do
 * @throws MigrationError `MIGRATION_CHANGED` or `MIGRATION_MISSING` when a migration that was applied has another text, or is
 * not in the list. Nothing was run.
 * @throws InvalidArgumentError when a migration or an option is invalid, or one that has to be undone has no `down` (nothing
 * was run), or a script has a statement that is refused.
 * @throws StorageError when a statement fails, or the store has no SQL (`STORAGE_UNSUPPORTED`); otherwise what a function throws.
 *
 * @example
 * ```ts
 * await migrate(streams, [
 *   { id: "0001_accounts", up: "CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER NOT NULL) STRICT" },
 *   { id: "0002_owner", up: "ALTER TABLE accounts ADD COLUMN owner TEXT; CREATE INDEX by_owner ON accounts (owner)" },
 * ]);
 * ```
 */
export async function migrate(
  streams: TransactionalStreamFactory,
  migrations: readonly Migration[] | Promise<readonly Migration[]>,
  options: MigrateOptions = {},
): Promise<MigrationReport> {
  // A list is taken as it is now, and keeps the call's place among others.
  const list = Array.isArray(migrations) ? migrations : await migrations;
  const { goal, access } = prepare(streams, list, options);
  const applied: string[] = [];
  const reverted: string[] = [];
  // None is run twice, even while another process migrates the other way.
  for (let left = Math.max(1, goal.migrations.length); left > 0; left -= 1) {
    const { step, isLast } = await runNextStep(goal, access, options.signal);
    if (step !== undefined) (step.direction === "up" ? applied : reverted).push(step.migration.id);
    if (isLast) break;
  }
  return { applied, reverted };
}

function prepare(streams: TransactionalStreamFactory, list: readonly Migration[], options: MigrateOptions) {
  const access = storeAccessOf(streams, ATTEMPT);
  return { access, goal: inAttempt(ATTEMPT, access.location, () => parseMigrations(list, options)) };
}

/** Runs the first of the steps that are left, as the transaction sees them, and notes it. */
async function runNextStep(
  goal: MigrationGoal,
  { run, location }: StoreAccess,
  signal: AbortSignal | undefined,
): Promise<{ readonly step: Step | undefined; readonly isLast: boolean }> {
  let step: Step | undefined;
  const runFirst = async ({ sql }: { readonly sql: SQL }, call: CallSession) => {
    const steps = stepsTo(goal, await readNotes(call, location), location);
    step = steps[0];
    if (step !== undefined) {
      await runStep(step, sql, call, location);
      await note(step, call);
    }
    return { step, isLast: steps.length <= 1 };
  };
  try {
    return await run("migrate", runFirst, { timeoutMs: undefined, signal, isAlone: true });
  } catch (error) {
    throw step === undefined ? inCall(error, ATTEMPT, location) : inStep(error, step);
  }
}

async function readNotes(call: CallSession, location: string | undefined): Promise<Map<string, StoredRecord>> {
  return call("read which migrations were applied", async ({ sql, records }) => {
    if (sql === undefined) throw noSQL(ATTEMPT, location);
    const notes = new Map<string, StoredRecord>();
    for await (const record of recordsOf(records, MIGRATIONS_SPACE)) notes.set(record.key, record);
    return notes;
  });
}

async function runStep({ migration, direction }: Step, sql: SQL, call: CallSession, location: string | undefined) {
  // One that has no `down` is not undone.
  const body = migration[direction] as MigrationStep;
  if (typeof body === "function") return body({ sql });
  return call("run a script", async (session) => {
    if (session.runScript === undefined) throw noSQL("run a script", location);
    await session.runScript(body);
  });
}

function note({ migration: { id, hash }, direction }: Step, call: CallSession): Promise<unknown> {
  return call(
    "note that a migration ran",
    async ({ records }): Promise<unknown> =>
      direction === "up" ? records.put(MIGRATIONS_SPACE, id, { hash }, 0) : records.delete(MIGRATIONS_SPACE, id),
  );
}

/** Says in which migration the store failed. What else a function throws stays as it is. */
function inStep(error: unknown, { migration: { id }, direction }: Step): unknown {
  return inCallback(error, `${direction === "up" ? "apply" : "undo"} migration "${id}"`);
}
