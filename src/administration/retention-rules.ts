import type { RetentionRule } from "../../protocols/index.js";
import { checkName, checkOptions, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { checkIdText } from "./check-administration.js";

const FIELDS: OptionNames<RetentionRule> = {
  prefix: true,
  maxAgeMs: true,
  maxEvents: true,
  behindSnapshot: true,
  deleteAfterMs: true,
};

/** @throws InvalidArgumentError */
export function checkRules(rules: unknown): asserts rules is readonly RetentionRule[] {
  if (!Array.isArray(rules)) throw invalidArgument("rules", `expected a list, got ${describeValue(rules)}`);
  for (const rule of rules as readonly RetentionRule[]) {
    checkOptions(rule, FIELDS, "field");
    checkIdText("prefix", rule.prefix);
    checkTime("maxAgeMs", rule.maxAgeMs);
    checkTime("deleteAfterMs", rule.deleteAfterMs);
    checkCount(rule.maxEvents);
    if (rule.behindSnapshot !== undefined) checkName("behindSnapshot", rule.behindSnapshot);
  }
}

function checkTime(argument: string, timeMs: unknown): void {
  if (timeMs === undefined || (typeof timeMs === "number" && timeMs >= 0)) return;
  throw invalidArgument(argument, `expected milliseconds, 0 or more, got ${describeValue(timeMs)}`);
}

function checkCount(count: unknown): void {
  if (count === undefined || (typeof count === "number" && Number.isInteger(count) && count >= 1)) return;
  throw invalidArgument("maxEvents", `expected a whole number, 1 or more, got ${describeValue(count)}`);
}
