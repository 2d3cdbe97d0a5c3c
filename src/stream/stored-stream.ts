import { type StreamContext, StreamImpl } from "./stream-impl.js";
import type { UntypedStream } from "./typed-stream.js";

/** A handle on a stream that reads what is stored, whatever the store is wrapped in. */
export function storedStream(context: StreamContext, streamId: string): UntypedStream {
  return new StreamImpl(streamId, 0, { ...context, hooks: undefined });
}
