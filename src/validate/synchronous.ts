import { invalidArgument } from "./check-arguments.js";
import { isThenable } from "./is-thenable.js";

/**
 * @param argument - the function that has made it
 * @param made - a state
 * @throws InvalidArgumentError when it would have to be waited for: the next event needs it at once
 */
export function synchronous<S>(argument: string, made: S): S {
  if (!isThenable(made)) return made;
  made.then(undefined, () => undefined);
  throw invalidArgument(
    argument,
    "it returned a promise, and the next event needs the state at once: make it synchronous",
  );
}
