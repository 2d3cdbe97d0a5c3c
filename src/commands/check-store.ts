import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";

/**
 * Commands need only the calls of a store, so that it may be any object that has them.
 *
 * @throws InvalidArgumentError
 */
export function checkStore(streams: unknown): void {
  const { openStream } = (streams ?? {}) as { readonly openStream?: unknown };
  if (typeof openStream !== "function") {
    throw invalidArgument("streams", `expected a store, got ${describeValue(streams)}`);
  }
}
