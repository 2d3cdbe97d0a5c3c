import type { EventFilter } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import type { ConsumerDefinition } from "./consumer.js";

/** Whether the library's own events are wanted is said by their name in `types` only. */
export function isWanted(type: string, types: readonly string[] | undefined): boolean {
  return types !== undefined || !type.startsWith("@");
}

/** The filter that finds what a consumer wants. */
export function filterOf({ types, filter = [] }: Pick<ConsumerDefinition, "types" | "filter">): EventFilter {
  return types === undefined ? filter : [{ field: "type", op: "in", value: types }, ...filter];
}

/** @throws InvalidArgumentError */
export function checkTypes(types: unknown): void {
  if (types === undefined) return;
  if (!Array.isArray(types)) throw invalidArgument("types", `expected a list of types, got ${describeValue(types)}`);
  for (const type of types) {
    if (typeof type !== "string") throw invalidArgument("types", `expected strings, got ${describeValue(type)}`);
  }
}
