import type { ConsumerDefinition } from "../../../../src/consumers/index.js";

/** A consumer that notes the data of what it handles. */
export function collecting(handled: unknown[], definition: Partial<ConsumerDefinition> = {}): ConsumerDefinition {
  return {
    name: "all",
    startFrom: "beginning",
    handle: async ({ data }) => void handled.push(data),
    ...definition,
  } as ConsumerDefinition;
}
