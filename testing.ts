/**
 * Tests of folds, decisions and projections, with any test runner.
 *
 * @packageDocumentation
 */
export { type Given, given } from "./src/testing/given.js";
export type { ExpectedError, Outcome } from "./src/testing/outcome.js";
export type { TestEvent } from "./src/testing/test-event.js";
