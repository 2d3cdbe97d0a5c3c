import {
  ALL_STREAM,
  isStreamError,
  type ReadOptions,
  type StoredEvent,
  type Stream,
  type StreamFactory,
} from "../../protocols/index.js";
import { decodesLater } from "../adapter-kit/notified-event.js";
import { filterOf, isWanted } from "../consumers/wanted-events.js";
import { MAX_BATCH_BYTES } from "../limits.js";
import { decodedBytes } from "../stream/content-bytes.js";
import { hasStoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { mayFailurePass } from "../view/thrown-failures.js";
import type { ModelTransaction } from "./model-store.js";
import type { Projection } from "./projection.js";

/** Some events that a projection wants, and up to where these are all. */
export interface Batch {
  readonly events: readonly StoredEvent[];
  readonly upTo: number;
  /** The last position of the store before it was read. */
  readonly head: number;
}

/** The store as projections read it, whatever it is wrapped in. */
export class EventSource implements AsyncDisposable {
  readonly #all: Stream;
  /** The last position of the store. */
  readonly head: () => Promise<number>;

  private constructor(all: Stream, head: () => Promise<number>) {
    this.#all = all;
    this.head = head;
  }

  static async open(streams: StreamFactory): Promise<EventSource> {
    const all = await streams.openStream(ALL_STREAM);
    if (!hasStoreAccess(streams)) return new EventSource(all, async () => (await all.metrics()).currentVersion);
    const { storage } = storeAccessOf(streams, "read the store");
    return new EventSource(all, () => storage.getVersion(ALL_STREAM));
  }

  /** Reads as a transaction of the event store does, where it is given one: in memory others would wait for its end. */
  async read(
    { types, filter }: Pick<Projection, "types" | "filter">,
    { after, limit, signal }: Pick<ReadOptions, "signal"> & { readonly after: number; readonly limit: number },
    within?: ModelTransaction["events"],
  ): Promise<Batch> {
    const head = within?.position ?? (await this.head());
    if (head <= after) return { events: [], upTo: after, head };
    const events: StoredEvent[] = [];
    let count = 0;
    let bytes = 0;
    let last = after;
    const options = { after, upTo: head, limit, filter: filterOf({ types, filter }), signal };
    try {
      for await (const event of within?.read(ALL_STREAM, options) ?? this.#all.read(options)) {
        count += 1;
        last = event.position;
        if (!isWanted(event.type, types)) continue;
        events.push(event);
        bytes += decodedBytes([event]);
        if (bytes >= MAX_BATCH_BYTES) return { events, upTo: last, head };
      }
    } catch (error) {
      // What comes before an event that this process cannot read or open is projected first.
      const isOfEvent = isStreamError(error, "EVENT_VERSION") || mayFailurePass(error) !== undefined;
      if (last > after && isOfEvent) return { events, upTo: last, head };
      throw error;
    }
    return { events, upTo: count < limit ? head : last, head };
  }

  /**
   * Calls a listener after commits, until it is told to stop.
   *
   * @param onEnd - called when a store is disposed of that is followed by a watch
   */
  async onCommit(streams: StreamFactory, listener: () => void, onEnd: () => void = listener): Promise<() => void> {
    if (!hasStoreAccess(streams)) {
      const subscription = this.#all.watch().subscribe({ next: listener, error: listener, complete: onEnd });
      return () => subscription.unsubscribe();
    }
    const { notifier } = storeAccessOf(streams, "watch the store");
    await notifier.start();
    const subscription = notifier.subscribe(ALL_STREAM, decodesLater(listener));
    return () => subscription.unsubscribe();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all[Symbol.asyncDispose]();
  }
}
