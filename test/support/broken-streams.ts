import type { Stream, StreamFactory } from "../../protocols/index.js";
import { overriding } from "./overriding.js";

/** A fault of the streams of a store, and where the suite must find it. */
interface BrokenStreams {
  readonly fault: string;
  readonly group: string;
  readonly found: string;
  readonly breakStream: (stream: Stream) => Stream;
}

/** Changes the streams that a factory opens. */
export function withStreams(streams: StreamFactory, rewrite: (stream: Stream) => Stream): StreamFactory {
  const openStream = async (streamId: string): Promise<Stream> => rewrite(await streams.openStream(streamId));
  return overriding(streams, { openStream: openStream as StreamFactory["openStream"] });
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export const BROKEN_STREAMS: readonly BrokenStreams[] = [
  {
    fault: "takes events as they are a little after the call",
    group: "write",
    found: "takes events as they are at the call",
    breakStream: (stream) =>
      overriding(stream, {
        write: async (events, options) => {
          await turn();
          return stream.write(events, options);
        },
      }),
  },
  {
    fault: "decides on the version that the handle remembers",
    group: "optimistic concurrency",
    found: "is decided by what is stored, not by what a handle remembers",
    breakStream: (stream) =>
      overriding(stream, {
        write: (events, options = {}) => {
          const isMet = options.expectedVersion === stream.version;
          return stream.write(events, isMet ? { ...options, expectedVersion: "any" } : options);
        },
      }),
  },
  {
    fault: "drops the expected version when it is 0",
    group: "optimistic concurrency",
    found: "lets a write pass that expects the stream's version, and refuses every other",
    breakStream: (stream) =>
      overriding(stream, {
        write: (events, options) =>
          stream.write(events, { ...options, expectedVersion: options?.expectedVersion || "any" }),
      }),
  },
  {
    fault: "drops the signal of a write",
    group: "the signal of a write",
    found: "that is aborted already rejects it with the reason, and nothing is stored",
    breakStream: (stream) =>
      overriding(stream, { write: (events, options) => stream.write(events, { ...options, signal: undefined }) }),
  },
  {
    fault: "takes the limit 0 for none",
    group: "read",
    found: "runs forward and yields as many events as the limit allows, not one more or fewer",
    breakStream: (stream) =>
      overriding(stream, { read: (options) => stream.read({ ...options, limit: options?.limit || undefined }) }),
  },
  {
    fault: "counts for the limit what does not match",
    group: "a filter in a read",
    found: "counts for the limit what matches, and goes together with places",
    breakStream: (stream) =>
      overriding(stream, { read: (options = {}) => stream.read({ ...options, upTo: options.limit ?? options.upTo }) }),
  },
  {
    fault: "goes on reading after its signal is aborted",
    group: "the signal of a read",
    found: "ends it with the reason between two events",
    breakStream: (stream) => overriding(stream, { read: (options) => stream.read({ ...options, signal: undefined }) }),
  },
  {
    fault: "replays everything in a watch by default",
    group: "the place from which a watch starts",
    found: "is the end of the store on @all by default, so that only new events come",
    breakStream: (stream) => overriding(stream, { watch: (options) => stream.watch({ after: 0, ...options }) }),
  },
  {
    fault: "ignores the filter in a watch",
    group: "a filter in a watch",
    found: "finds in replay and live: types and versions",
    breakStream: (stream) =>
      overriding(stream, {
        watch: ((options) => stream.watch({ ...options, filter: undefined })) as Stream["watch"],
      }),
  },
  {
    fault: "goes on watching after the handle is disposed of",
    group: "the end of a watch",
    found: "comes when its handle is disposed of: it completes, and those of other handles go on",
    breakStream: (stream) => overriding(stream, { [Symbol.asyncDispose]: async () => undefined }),
  },
  {
    fault: "saves a snapshot beyond the stream at the stream's version",
    group: "a snapshot",
    found: "is refused beyond the stream's version, and nothing is saved",
    breakStream: (stream) =>
      overriding(stream, {
        snapshot: (state, options) =>
          stream.snapshot(state, { ...options, version: Math.min(options?.version ?? stream.version, stream.version) }),
      }),
  },
  {
    fault: "reports in metrics what the handle remembers",
    group: "metrics",
    found: "tell what is stored, not what the handle remembers",
    breakStream: (stream) =>
      overriding(stream, { metrics: async () => ({ ...(await stream.metrics()), currentVersion: stream.version }) }),
  },
  {
    fault: "writes after it has been disposed of",
    group: "disposal",
    found: "of a handle makes its later calls fail, and touches no other handle",
    breakStream: (stream) => overriding(stream, { [Symbol.asyncDispose]: async () => undefined }),
  },
  {
    fault: "lets an error of its database through where nobody looks at it",
    group: "watch",
    found: "delivers nothing of what was refused or was stored already",
    breakStream: (stream) =>
      overriding(stream, {
        write: async (events, options) => {
          try {
            return await stream.write(events, options);
          } catch (error) {
            throw new Error("UNIQUE constraint failed: events.stream, events.version", { cause: error });
          }
        },
      }),
  },
];
