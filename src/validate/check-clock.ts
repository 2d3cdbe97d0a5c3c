import { invalidArgument } from "./check-arguments.js";
import { describeValue } from "./json-text.js";

/** Tells the time in milliseconds since 1970, as `Date.now` does. */
export type Clock = () => number;

/**
 * Checks the option `now`: a clock for tests. What it tells is checked each time, so that a wrong time fails the call
 * that asked for it and is never stored.
 *
 * @throws InvalidArgumentError
 */
export function checkClock(now: unknown): Clock {
  if (now === undefined) return Date.now;
  if (typeof now !== "function") throw invalidArgument("now", `expected a function, got ${describeValue(now)}`);
  return () => {
    const timeMs: unknown = now();
    if (typeof timeMs === "number" && !Number.isNaN(new Date(timeMs).getTime())) return Math.floor(timeMs);
    throw invalidArgument("now", `it has to return milliseconds since 1970, got ${describeValue(timeMs)}`);
  };
}
