/**
 * Tests of folds, decisions and projections, with any test runner.
 *
 * @packageDocumentation
 */
import { sqliteStreamFactory } from "./adapters/sqlite/index.js";
import type { EventShape } from "./protocols/index.js";
import type { Projection } from "./src/projections/index.js";
import { type GivenProjected, type ProjectedEvent, projectedOver } from "./src/testing/given-projected.js";

export { type Given, given } from "./src/testing/given.js";
export type { GivenProjected, ProjectedEvent } from "./src/testing/given-projected.js";
export type { ExpectedError, Outcome } from "./src/testing/outcome.js";
export type { TestEvent } from "./src/testing/test-event.js";

/**
 * Tests a projection over SQLite in memory. It projects the events in one batch, one by one and in batches of random sizes, and
 * each way again with a crash before the commit of every batch. What depends on where a batch ends, or remembers what was undone,
 * fails. It needs a driver of SQLite, which it loads when the rows are looked at.
 *
 * @example
 * ```ts
 * await givenProjected(balances, { streamId: "account-1", type: "Deposited", data: { amount: 100 } })
 *   .thenRows("balances", [{ id: "account-1", balance: 100 }]);
 * ```
 */
export function givenProjected<E extends EventShape>(
  projection: Projection<E>,
  ...events: readonly ProjectedEvent<E>[]
): GivenProjected {
  return projectedOver(() => sqliteStreamFactory(":memory:", { findMisuse: true }), projection, events);
}
