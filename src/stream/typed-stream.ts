import type { EventShape, ReadOptions, StoredEvent, Stream, Watch, WatchOptions } from "../../protocols/index.js";

/** A handle as it is implemented: what it reads and watches is any event, whatever the filter. */
export interface UntypedStream extends Omit<Stream, "read" | "watch"> {
  read(options?: ReadOptions): AsyncIterable<StoredEvent>;
  watch(options?: WatchOptions): Watch;
}

/** Types a handle with the events of its stream. The types are the caller's word; storage knows only events. */
export function typedStream<E extends EventShape>(stream: UntypedStream): Stream<E> {
  return stream as unknown as Stream<E>;
}
