import type { CandidateEvent } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { isList } from "../validate/is-list.js";
import { isThenable } from "../validate/is-thenable.js";
import { describeValue, isPlainObject } from "../validate/json-text.js";
import { keyOf } from "./command-key.js";
import type { CommandPlan } from "./command-options.js";

/** Whether a decision has to be waited for. One that cannot be looked at has not: it is refused as what it is. */
export function isAwaited(decision: unknown): decision is PromiseLike<unknown> {
  const mayHaveThen = typeof decision === "function" || (typeof decision === "object" && decision !== null);
  return mayHaveThen && !isRevoked(decision) && isThenable(decision);
}

/** Whether it is an object that does not throw at every look, as a revoked proxy does. */
export function canLookAt(value: unknown): value is object {
  return typeof value === "object" && value !== null && !isRevoked(value);
}

function isRevoked(value: object): boolean {
  try {
    Object.getPrototypeOf(value);
    return false;
  } catch {
    return true;
  }
}

/**
 * The events of a decision as a list.
 *
 * @param has - what the decision has to do, for a message
 * @throws InvalidArgumentError when the decision is nothing of the kind
 */
export function listOf(decision: unknown, has = "it has to return"): readonly CandidateEvent[] {
  if (isList(decision)) return decision as readonly CandidateEvent[];
  if (canLookAt(decision) && "type" in decision) return [decision as CandidateEvent];
  const isTypeless = canLookAt(decision) && isPlainObject(decision);
  const got = isTypeless ? 'an object without "type"' : describeValue(decision);
  throw invalidArgument("decide", `${has} an event or a list of events, [] for none; got ${got}`);
}

/**
 * The events as they are written: with the metadata of the command below their own, and with its keys.
 *
 * @param first - the number of the first of them among the events of the command
 * @throws InvalidArgumentError when an event of a named command has a key of its own
 */
export function writtenEvents(
  events: readonly CandidateEvent[],
  { commandId, metadata }: CommandPlan,
  first = 0,
): readonly CandidateEvent[] {
  if (commandId === undefined && metadata === undefined) return events;
  return events.map((event, index) => {
    // What is no event is refused by the write, which says what it is.
    if (!canLookAt(event) || !isPlainObject(event)) return event;
    const written = metadata === undefined ? event : withMetadata(event, metadata);
    if (commandId === undefined) return written;
    if (event.idempotencyKey !== undefined) {
      const reason = `event ${index} has the idempotencyKey ${describeValue(event.idempotencyKey)}; commandId gives the keys`;
      throw invalidArgument("decide", reason);
    }
    return { ...written, idempotencyKey: keyOf(commandId, first + index) };
  });
}

function withMetadata(event: CandidateEvent, below: Readonly<Record<string, string>>): CandidateEvent {
  const { metadata } = event;
  if (metadata === undefined || metadata === null) return { ...event, metadata: below };
  if (typeof metadata !== "object" || !isPlainObject(metadata)) return event;
  return { ...event, metadata: { ...below, ...metadata } };
}
