import { parseFilter } from "../filter/parse-filter.js";
import { MAX_CONSUMER_NAME_LENGTH, MAX_PARTITIONS, MAX_TIMER_MS } from "../limits.js";
import {
  checkBetween,
  checkFunction,
  checkName,
  checkOptions,
  checkPlace,
  checkSignal,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import type { EventHooks } from "../view/event-hooks.js";
import {
  type CheckpointInterval,
  type ConsumerDefinition,
  type ConsumerOptions,
  type RetryPolicy,
  TerminalError,
} from "./consumer.js";
import { checkTypes, filterOf } from "./wanted-events.js";

const DEFINITION: OptionNames<ConsumerDefinition> = {
  name: true,
  types: true,
  filter: true,
  startFrom: true,
  restart: true,
  handle: true,
  transact: true,
};

const OPTIONS: OptionNames<ConsumerOptions> = {
  partitions: true,
  leaseMs: true,
  handlerTimeoutMs: true,
  retry: true,
  onExhausted: true,
  maxParked: true,
  checkpointEvery: true,
  onError: true,
  signal: true,
};

const RETRY: OptionNames<RetryPolicy> = {
  attempts: true,
  minDelayMs: true,
  maxDelayMs: true,
  factor: true,
  retryable: true,
};

const CHECKPOINT_EVERY: OptionNames<CheckpointInterval> = { events: true, ms: true };

/** The retry policy, complete. */
export interface RetrySettings {
  readonly attempts: number;
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
  readonly retryable: (error: unknown) => boolean;
}

/** The options of a consumer, checked, copied and complete. */
export interface ConsumerSettings {
  readonly partitions: number;
  readonly leaseMs: number;
  readonly handlerTimeoutMs: number;
  readonly retry: RetrySettings;
  readonly onExhausted: "park" | "stop";
  readonly maxParked: number;
  readonly checkpointEvents: number;
  readonly checkpointMs: number;
  readonly onError: NonNullable<ConsumerOptions["onError"]>;
  readonly signal: AbortSignal | undefined;
}

/** What a refusal says was attempted, of what may be no definition. */
export function startAttempt(definition: unknown): string {
  try {
    const { name } = definition as ConsumerDefinition;
    checkConsumerName(name);
    return `start consumer ${describeValue(name)}`;
  } catch {
    return "start a consumer";
  }
}

/**
 * Checks a definition, and copies it.
 *
 * @throws InvalidArgumentError, InvalidFilterError
 */
export function parseDefinition(definition: ConsumerDefinition, hooks?: EventHooks): ConsumerDefinition {
  if (typeof definition !== "object" || definition === null) {
    throw invalidArgument("definition", `expected { name, startFrom, handle }, got ${describeValue(definition)}`);
  }
  checkOptions(definition, DEFINITION, "field");
  const { name, types, filter, startFrom, restart, handle, transact } = definition;
  checkConsumerName(name);
  checkTypes(types);
  parseFilter(filterOf({ types, filter }), hooks);
  if (startFrom !== "beginning" && startFrom !== "end") {
    if (startFrom === undefined) throw invalidStart(startFrom);
    checkPlace("startFrom", typeof startFrom === "number" ? startFrom : throwInvalidStart(startFrom));
  }
  if (restart !== undefined) checkName("restart", restart);
  checkFunction("handle", handle);
  checkFunction("transact", transact);
  if ((handle === undefined) === (transact === undefined)) {
    throw invalidArgument("definition", `expected one of handle and transact, got ${handle ? "both" : "none"}`);
  }
  return {
    name,
    types: types === undefined ? undefined : [...types],
    filter,
    startFrom,
    restart,
    // Its functions keep the object that they belong to: a class has them elsewhere than its fields.
    ...(handle === undefined ? {} : { handle: handle.bind(definition) }),
    ...(transact === undefined ? {} : { transact: transact.bind(definition) }),
  };
}

/** @throws InvalidArgumentError */
export function checkConsumerName(name: unknown): asserts name is string {
  checkName("name", name);
  if (name.length > MAX_CONSUMER_NAME_LENGTH) {
    throw invalidArgument("name", `${name.length} characters are more than ${MAX_CONSUMER_NAME_LENGTH}`);
  }
}

function throwInvalidStart(startFrom: unknown): never {
  throw invalidStart(startFrom);
}

function invalidStart(startFrom: unknown): Error {
  return invalidArgument("startFrom", `expected "beginning", "end" or a position, got ${describeValue(startFrom)}`);
}

/** @throws InvalidArgumentError */
export function parseConsumerOptions(options: ConsumerOptions): ConsumerSettings {
  checkOptions(options, OPTIONS);
  const { partitions = 1, leaseMs = 30_000, handlerTimeoutMs = 60_000, retry = {}, checkpointEvery = {} } = options;
  const { onExhausted = "park", maxParked = 10_000, onError = () => undefined, signal } = options;
  checkBetween("partitions", partitions, 1, MAX_PARTITIONS);
  checkBetween("leaseMs", leaseMs, 1, MAX_TIMER_MS);
  checkBetween("handlerTimeoutMs", handlerTimeoutMs, 1, MAX_TIMER_MS);
  if (onExhausted !== "park" && onExhausted !== "stop") {
    throw invalidArgument("onExhausted", `expected "park" or "stop", got ${describeValue(onExhausted)}`);
  }
  checkPlace("maxParked", maxParked);
  checkFunction("onError", onError);
  checkSignal(signal);
  checkOptions(checkpointEvery, CHECKPOINT_EVERY, "field", "checkpointEvery");
  const { events: checkpointEvents = 100, ms: checkpointMs = 1_000 } = checkpointEvery;
  checkBetween("checkpointEvery.events", checkpointEvents, 1, Number.MAX_SAFE_INTEGER);
  checkBetween("checkpointEvery.ms", checkpointMs, 1, MAX_TIMER_MS);
  return {
    partitions,
    leaseMs,
    handlerTimeoutMs,
    retry: parseRetry(retry),
    onExhausted,
    maxParked,
    checkpointEvents,
    checkpointMs,
    onError,
    signal,
  };
}

function parseRetry(retry: RetryPolicy): RetrySettings {
  checkOptions(retry, RETRY, "field", "retry");
  const { attempts = 10, minDelayMs = 200, maxDelayMs = 60_000, factor = 2, retryable } = retry;
  const isEachGiven = retry.minDelayMs !== undefined && retry.maxDelayMs !== undefined;
  if (attempts !== Number.POSITIVE_INFINITY) checkBetween("retry.attempts", attempts, 1, Number.MAX_SAFE_INTEGER);
  checkBetween("retry.minDelayMs", minDelayMs, 0, MAX_TIMER_MS);
  checkBetween("retry.maxDelayMs", maxDelayMs, isEachGiven ? minDelayMs : 0, MAX_TIMER_MS);
  if (typeof factor !== "number" || !(factor >= 1)) {
    throw invalidArgument("retry.factor", `expected 1 or more, got ${describeValue(factor)}`);
  }
  checkFunction("retry.retryable", retryable);
  return {
    attempts,
    // Whoever gives one of them need not know the default of the other.
    minDelayMs: retry.minDelayMs ?? Math.min(minDelayMs, maxDelayMs),
    maxDelayMs: retry.maxDelayMs ?? Math.max(minDelayMs, maxDelayMs),
    factor,
    retryable: retryable?.bind(retry) ?? isRetryable,
  };
}

/** Whether a failed event is tried again unless the policy says otherwise. */
export function isRetryable(error: unknown): boolean {
  return !(error instanceof TerminalError);
}
