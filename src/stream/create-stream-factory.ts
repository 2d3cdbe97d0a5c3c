import type { EventShape, Stream, StreamBackend, StreamFactory } from "../../protocols/index.js";
import { Lifetime } from "../adapter-kit/lifetime.js";
import { PendingWork } from "../adapter-kit/pending-work.js";
import { checkStreamId } from "../validate/check-arguments.js";
import { inCall } from "../validate/in-call.js";
import { MemoryBudget } from "./memory-budget.js";
import { type StreamContext, StreamImpl } from "./stream-impl.js";
import { typedStream } from "./typed-stream.js";

/**
 * Makes a store of a storage handle and a notifier: what every adapter's factory function ends with.
 *
 * The factory owns both and disposes of them, the notifier first.
 *
 * @example
 * ```ts
 * const streams = createStreamFactory({ storage: new MyStorage(url), notifier: new MyNotifier(url) });
 * ```
 */
export function createStreamFactory(backend: StreamBackend): StreamFactory {
  return new StreamFactoryImpl(backend);
}

class StreamFactoryImpl implements StreamFactory {
  readonly #context: StreamContext;
  #disposal: Promise<void> | undefined;

  constructor({ storage, notifier, now = Date.now }: StreamBackend) {
    const subject = storage.location === undefined ? "the store" : `the store ${storage.location}`;
    this.#context = {
      storage,
      notifier,
      now,
      lifetime: new Lifetime(subject),
      memory: new MemoryBudget(),
      pendingWrites: new PendingWork(),
    };
  }

  async openStream<E extends EventShape = EventShape>(streamId: string): Promise<Stream<E>> {
    const { lifetime, storage } = this.#context;
    lifetime.assertOpen("open a stream");
    this.#check(streamId);
    const version = await storage.getVersion(streamId);
    lifetime.assertOpen(`open stream "${streamId}"`);
    return typedStream<E>(new StreamImpl(streamId, version, this.#context));
  }

  #check(streamId: string): void {
    try {
      checkStreamId(streamId);
    } catch (error) {
      throw inCall(error, "open a stream", this.#context.storage.location);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const { lifetime, pendingWrites, notifier, storage } = this.#context;
    lifetime.refuse();
    await pendingWrites.drained();
    lifetime.close();
    try {
      await notifier[Symbol.asyncDispose]();
    } finally {
      await storage[Symbol.asyncDispose]();
    }
  }
}
