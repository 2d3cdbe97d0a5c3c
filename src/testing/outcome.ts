import assert, { AssertionError } from "node:assert";
import { inspect } from "node:util";
import type { EventShape } from "../../protocols/index.js";
import { type AnyTestEvent, storedContent, type TestEvent } from "./test-event.js";

/** An error to expect: its class, a pattern for its message, or a function that says whether it is the one. */
export type ExpectedError = (new (...args: never[]) => Error) | RegExp | ((error: unknown) => boolean);

/**
 * What became of a decision. Await what it returns, since a decision may be asynchronous. The decision is made when the first of
 * these is called, and once.
 */
export interface Outcome<S, E extends EventShape> {
  /** Expects these events, and no others. Metadata is compared where the expected event has some. */
  thenEvents(...expected: readonly TestEvent<E>[]): Promise<void>;
  /** Expects no event. */
  thenNothing(): Promise<void>;
  /** Expects an error: any, or the given one. */
  thenThrows(expected?: ExpectedError): Promise<void>;
  /** Expects the state with the events of the decision in it. */
  thenState(expected: S): Promise<void>;
}

/** What a decision came to. */
export type Decided<S> = { readonly events: readonly AnyTestEvent[]; state(): S } | { readonly error: unknown };

export function outcomeOf<S, E extends EventShape>(decide: () => Promise<Decided<S>>): Outcome<S, E> {
  let decision: Promise<Decided<S>> | undefined;
  const decided = (): Promise<Decided<S>> => {
    decision ??= decide();
    return decision;
  };
  const decidedEvents = async () => {
    const outcome = await decided();
    if (!("error" in outcome)) return outcome;
    const { error } = outcome;
    throw failure(`Expected events, and the decision threw ${inspect(error)}`, { actual: error }, error);
  };
  return {
    async thenEvents(...expected) {
      const { events } = await decidedEvents();
      const wanted = expected.map((event, index) => storedContent(event, `expected event ${index}`));
      assert.deepStrictEqual(
        events.map((event, index) => comparable(event, wanted[index])),
        wanted,
      );
    },
    async thenNothing() {
      const { events } = await decidedEvents();
      assert.deepStrictEqual(events, [], `Expected no event, got ${inspect(events, { depth: 5 })}`);
    },
    async thenThrows(expected) {
      const outcome = await decided();
      if (!("error" in outcome)) {
        const { events } = outcome;
        throw failure(`Expected an error, got ${inspect(events, { depth: 5 })}`, { actual: events, expected });
      }
      const { error } = outcome;
      if (expected === undefined || isExpected(error, expected)) return;
      throw failure(
        `Expected ${nameOf(expected)}, and the decision threw ${inspect(error)}`,
        { actual: error, expected },
        error,
      );
    },
    async thenState(expected) {
      const { state } = await decidedEvents();
      assert.deepStrictEqual(state(), expected);
    },
  };
}

function comparable({ type, data, metadata }: AnyTestEvent, wanted: AnyTestEvent | undefined): AnyTestEvent {
  return wanted?.metadata === undefined || metadata === undefined ? { type, data } : { type, data, metadata };
}

function isExpected(error: unknown, expected: ExpectedError): boolean {
  // Not `test`: a pattern with the flag "g" remembers where it was the last time.
  if (expected instanceof RegExp) return (error instanceof Error ? error.message : String(error)).search(expected) >= 0;
  if (isErrorClass(expected)) return error instanceof expected;
  return expected(error);
}

function isErrorClass(expected: Exclude<ExpectedError, RegExp>): expected is new (...args: never[]) => Error {
  return (expected as unknown) === Error || expected.prototype instanceof Error;
}

function nameOf(expected: ExpectedError): string {
  if (expected instanceof RegExp) return `an error that matches ${expected}`;
  return isErrorClass(expected) ? `an error of the class ${expected.name}` : "another error";
}

function failure(
  message: string,
  { actual, expected }: { readonly actual: unknown; readonly expected?: unknown },
  cause?: unknown,
): AssertionError {
  const error = new AssertionError({ message, actual, expected, operator: "given" });
  if (cause !== undefined) error.cause = cause;
  return error;
}
