import type { StreamFactory } from "../../protocols/index.js";
import { findStreamContext } from "../stream/context-access.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inAttempt, inCall } from "../validate/in-call.js";
import { parseProjectionOptions, parseProjections } from "./definition.js";
import { EventSource } from "./event-source.js";
import { isEventStore, modelStoreOf } from "./model-store.js";
import type { Projection, ProjectionOptions, ProjectionRunner } from "./projection.js";
import { Runner } from "./projection-runner.js";

const ATTEMPT = "run projections";

/**
 * Runs projections until it is disposed of. Any number of processes may: for each version one does, and the others stand by.
 * Resolves when all are registered: their tables and views exist.
 *
 * @throws InvalidArgumentError when a projection or an option is invalid.
 * @throws whatever `tables` throws; then nothing of that projection is made.
 * @throws the signal's reason when it is aborted before all are registered.
 *
 * @example
 * ```ts
 * await using runner = await runProjections(streams, [
 *   {
 *     name: "balances",
 *     types: ["Deposited"],
 *     tables: async ({ sql: db, table }) =>
 *       void (await db.run(sql`CREATE TABLE ${table("balances")} (id TEXT PRIMARY KEY, balance REAL NOT NULL)`)),
 *     project: async (events, { sql: db, table }) => {
 *       for (const { streamId, data } of events) {
 *         await db.run(sql`INSERT INTO ${table("balances")} AS total VALUES (${streamId}, ${data.amount})
 *           ON CONFLICT (id) DO UPDATE SET balance = total.balance + excluded.balance`);
 *       }
 *     },
 *   },
 * ]);
 * ```
 */
export async function runProjections(
  streams: StreamFactory,
  // biome-ignore lint/suspicious/noExplicitAny: each has events of its own, and which they are is its word.
  projections: readonly Projection<any>[],
  options: ProjectionOptions = {},
): Promise<ProjectionRunner> {
  if (options === null) throw invalidArgument("options", "expected an object, got null");
  const model = modelStoreOf(streams, options.store, ATTEMPT);
  const location = model.access?.location;
  const { parsed, settings } = inAttempt(ATTEMPT, location, () => ({
    parsed: parseProjections(projections, findStreamContext(streams)?.hooks),
    settings: parseProjectionOptions(options),
  }));
  settings.signal?.throwIfAborted();
  if (settings.mode === "inline" && !isEventStore(streams, model)) {
    throw inCall(invalidArgument("mode", '"inline" needs the tables in the event store itself'), ATTEMPT, location);
  }
  const source = await EventSource.open(streams);
  const runner = new Runner({ streams, source, model, settings, location, projections: parsed });
  try {
    await runner.start(options.store ?? streams);
    settings.signal?.throwIfAborted();
  } catch (error) {
    await runner.stop();
    throw error;
  }
  return runner;
}
