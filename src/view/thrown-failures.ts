import type { ReadFailure } from "./event-hooks.js";

/** Of the errors that readers got in place of events: whether they may pass by themselves. */
const thrown = new WeakMap<object, boolean>();

/** What a reader throws for a failure. Who reads on after it can ask about it. */
export function toThrow({ error, mayPass = false }: ReadFailure): unknown {
  if (typeof error === "object" && error !== null) thrown.set(error, mayPass);
  return error;
}

/** Whether what a reader threw may pass by itself, as the hook said that failed. Undefined: no hook did. */
export function mayFailurePass(error: unknown): boolean | undefined {
  return typeof error === "object" && error !== null ? thrown.get(error) : undefined;
}
