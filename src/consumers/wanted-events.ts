import type { EventFilter } from "../../protocols/index.js";
import type { ConsumerDefinition } from "./consumer.js";

/** Whether the library's own events are wanted is said by their name in `types` only. */
export function isWanted(type: string, types: readonly string[] | undefined): boolean {
  return types !== undefined || !type.startsWith("@");
}

/** The filter that finds what a consumer wants. */
export function filterOf({ types, filter = [] }: Pick<ConsumerDefinition, "types" | "filter">): EventFilter {
  return types === undefined ? filter : [{ field: "type", op: "in", value: types }, ...filter];
}
