import type { Observable } from "rxjs";
import type { EventFilter, EventShape, StoredEvent } from "../../protocols/index.js";
import type { WhenProcessedOptions } from "../consumers/consumer.js";

/** What a read model in memory is made of. */
export interface MemoryProjection<S, E extends EventShape> {
  /** Its name, for its snapshots. */
  readonly name: string;
  /** Raise it with every change of `evolve`: snapshots of another version do not count. Default 1. */
  readonly version?: number | undefined;
  /** The types that it wants. Default: all but the library's own. */
  readonly types?: readonly E["type"][] | undefined;
  /** Only events for which every clause holds. Default: all. */
  readonly filter?: EventFilter | undefined;
  /** The state before the first event. */
  initial(): S;
  /** The state after an event, at once: not a promise. */
  evolve(state: S, event: StoredEvent<E>): S;
  /**
   * Saves a snapshot after so many events. Default: never. One that cannot be saved is no failure: the `diagnostics_channel`
   * named `async-streams:commands` reports it.
   */
  readonly snapshotEvery?: number | undefined;
}

/**
 * A read model in memory. It ends when it or the store is disposed of, and when it fails; its state stays as it was then. While
 * the server of the store is away (`STORAGE_UNAVAILABLE`), or the key store of personal data, it waits, and goes on from its
 * position, as a watch does.
 */
export interface MemoryReadModel<S> extends AsyncDisposable {
  /** The state after everything up to `position`. */
  readonly state: S;
  /** Up to where it has everything. */
  readonly position: number;
  /**
   * The state after each event from now on. Completes when the read model or the store is disposed of; fails with what `evolve`
   * throws, and when the store can no longer be read, other than for what is away.
   */
  readonly changes: Observable<S>;
  /**
   * Resolves once it has everything up to a position.
   *
   * @throws TimeoutError after `timeoutMs`, default 10,000; its message says when the server or the key store is away.
   * @throws StreamClosedError when it ends before, and what `changes` fails with, both at once.
   */
  whenProcessed(position: number, options?: WhenProcessedOptions): Promise<void>;
}
