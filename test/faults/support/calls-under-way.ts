import type { Stream, StreamFactory } from "../../../protocols/index.js";
import type { Laboratory } from "./fault-test.js";
import { turns } from "./turns.js";

/** What became of a call that was cut short, or not. */
export interface CallOutcome {
  readonly kind: string;
  /** Of a write: what it was to store. */
  readonly tags: readonly string[];
  readonly signal: AbortSignal;
  /** Absent when the call succeeded. */
  readonly error?: unknown;
}

type CallUnderWay = (stream: Stream, streams: StreamFactory, signal: AbortSignal) => Promise<unknown>;

const OTHER_CALLS: Readonly<Record<string, CallUnderWay>> = {
  read: async (stream, _, signal) => {
    for await (const _event of stream.read({ signal })) await turns(1);
  },
  "watch as an iterator": async (stream, _, signal) => {
    for await (const _event of stream.watch({ after: 0, signal })) await turns(1);
  },
  "watch as an observable": (stream, _, signal) =>
    new Promise<void>((complete, error) => stream.watch({ after: 0, signal }).subscribe({ complete, error })),
  snapshot: (stream) => stream.snapshot({ state: "x".repeat(2_000) }, { version: 0 }),
  "load of a snapshot": (stream) => stream.loadSnapshot(),
  metrics: (stream) => stream.metrics(),
  "opening of a stream": (_, streams) => streams.openStream("late"),
};

const CALL_NAMES = Object.keys(OTHER_CALLS);

/** Begins a call at a random turn, and aborts its signal at another, which may come before, while or after. */
export async function beginCall(
  { integer, random }: Laboratory,
  index: number,
  stream: Stream,
  streams: StreamFactory,
): Promise<CallOutcome> {
  const controller = new AbortController();
  const { signal } = controller;
  const isWrite = random() < 0.5;
  const kind = isWrite ? "write" : (CALL_NAMES[integer(0, CALL_NAMES.length - 1)] as string);
  const tags = isWrite ? Array.from({ length: integer(1, 3) }, (_, place) => `${index}.${place}`) : [];
  // A call that ends by itself may go on undisturbed. A watch ends with its handle.
  if (random() < 0.6) void turns(integer(0, 25)).then(() => controller.abort(new Error(`abort ${index}`)));
  await turns(integer(0, 20));
  try {
    if (isWrite)
      await stream.write(
        tags.map((tag) => ({ type: "Tagged", data: tag })),
        { signal },
      );
    else await OTHER_CALLS[kind]?.(stream, streams, signal);
    return { kind, tags, signal };
  } catch (error) {
    return { kind, tags, signal, error };
  }
}
