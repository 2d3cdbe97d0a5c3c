import type { ReadOptions, StoredEvent, Stream } from "../../protocols/index.js";
import type { ReadObserver } from "../read/page-reader.js";

// By name, so that it is found across copies of the package.
export const READ_AND_OBSERVE: unique symbol = Symbol.for("async-streams.ReadAndObserve");

/** Reads, and tells what the events do not say, where the handle knows it. */
export function readAndObserve(
  stream: Stream,
  options: ReadOptions,
  observer: ReadObserver,
): AsyncIterable<StoredEvent> {
  if (!(READ_AND_OBSERVE in stream)) return stream.read(options);
  const read = stream[READ_AND_OBSERVE] as (options: ReadOptions, observer: ReadObserver) => AsyncIterable<StoredEvent>;
  return read.call(stream, options, observer);
}
