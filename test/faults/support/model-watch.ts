import type { EventFilter, Stream } from "../../../protocols/index.js";
import { comparable, outcomeOf } from "./outcome-of.js";

/** A watch that goes on beside everything else. */
export interface ModelWatch {
  readonly streamId: string;
  readonly filter: EventFilter;
  readonly seen: unknown[];
  /** Up to where it has been compared with the stream: what is behind that may have been removed since. */
  readonly compared: { place: number; count: number };
  /** How it ended; undefined while it goes on. */
  ended: unknown;
  readonly end: () => void;
}

export interface ModelWatchOptions {
  /** Undefined for the handle's version. */
  readonly after: number | undefined;
  readonly filter: EventFilter;
  readonly isObservable: boolean;
}

export function beginModelWatch(stream: Stream, options: ModelWatchOptions): ModelWatch {
  const { after, filter, isObservable } = options;
  const controller = new AbortController();
  const { signal } = controller;
  const seen: unknown[] = [];
  const watch = stream.watch({ after, filter, signal });
  const iterate = async (): Promise<void> => {
    for await (const event of watch) seen.push(comparable(event));
  };
  const subscribe = (): Promise<void> =>
    new Promise((complete, error) => {
      watch.subscribe({ next: (event) => seen.push(comparable(event)), complete, error });
    });
  const model: ModelWatch = {
    streamId: stream.streamId,
    filter,
    seen,
    compared: { place: after ?? stream.version, count: 0 },
    ended: undefined,
    end: () => controller.abort(END),
  };
  void outcomeOf(isObservable ? subscribe() : iterate(), END).then((ended) => {
    model.ended = ended;
  });
  return model;
}

const END = new Error("the watch was ended");
