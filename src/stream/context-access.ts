import type { StreamFactory } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import type { StreamContext } from "./stream-impl.js";

// By name, so that it is found across copies of the package, and through objects that forward to a factory.
const STREAM_CONTEXT: unique symbol = Symbol.for("async-streams.StreamContext");

/** Gives a factory what {@link streamContextOf} finds. */
export function addStreamContext(streams: StreamFactory, context: StreamContext): void {
  Object.defineProperty(streams, STREAM_CONTEXT, { value: context });
}

/**
 * What a store is made of, whatever it can do.
 *
 * @throws InvalidArgumentError when it is no store
 */
export function streamContextOf(streams: unknown): StreamContext {
  const isStore = typeof streams === "object" && streams !== null && STREAM_CONTEXT in streams;
  if (!isStore) throw invalidArgument("streams", `expected a store, got ${describeValue(streams)}`);
  return streams[STREAM_CONTEXT] as StreamContext;
}

/** The same where there is one: a store may be anything that has the calls of one. */
export function findStreamContext(streams: StreamFactory): StreamContext | undefined {
  return STREAM_CONTEXT in streams ? (streams[STREAM_CONTEXT] as StreamContext) : undefined;
}
