import type { ParsedClause, ReadOptions } from "../../protocols/index.js";
import { parseFilter } from "../filter/parse-filter.js";
import {
  checkOptions,
  checkPlace,
  checkSignal,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import type { EventHooks } from "../view/event-hooks.js";

/** The options of a read, checked, copied and complete. */
export interface ReadPlan {
  readonly after: number;
  readonly upTo: number | undefined;
  readonly limit: number;
  readonly direction: "forward" | "backward";
  readonly filter: readonly ParsedClause[] | undefined;
  readonly signal: AbortSignal | undefined;
}

const READ_OPTIONS: OptionNames<ReadOptions> = {
  after: true,
  upTo: true,
  limit: true,
  direction: true,
  filter: true,
  signal: true,
};

/**
 * @throws InvalidArgumentError
 * @throws InvalidFilterError
 */
export function parseReadOptions(options: ReadOptions = {}, hooks?: EventHooks): ReadPlan {
  checkOptions(options, READ_OPTIONS);
  const { after, upTo, limit, direction, filter, signal } = options;
  checkPlace("after", after);
  checkPlace("upTo", upTo);
  if (limit !== Number.POSITIVE_INFINITY) checkPlace("limit", limit);
  checkSignal(signal);
  if (direction !== undefined && direction !== "forward" && direction !== "backward") {
    throw invalidArgument("direction", `expected "forward" or "backward", got ${describeValue(direction)}`);
  }
  const clauses = filter === undefined ? [] : parseFilter(filter, hooks);
  return {
    after: after ?? 0,
    upTo,
    limit: limit ?? Number.POSITIVE_INFINITY,
    direction: direction ?? "forward",
    // One without clauses is none: the pages of a filtered read may have more events than are wanted.
    filter: clauses.length === 0 ? undefined : clauses,
    signal,
  };
}
