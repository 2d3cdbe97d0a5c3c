import type { StoreMaintenance } from "./maintenance.js";
import type { Notifier } from "./notifier.js";
import type { StorageHandle } from "./storage-handle.js";

/**
 * The parts of an adapter, for `createStreamFactory`. The factory disposes of both: first the notifier, then the storage.
 *
 * What the storage implements decides what the factory has: `writeAll` needs an `AtomicStorage`, and `transaction` and
 * `query` a `TransactionalStorage`. The calls of `AdministrableStreamFactory` need an `AdministrableStorage`.
 */
export interface StreamBackend<Storage extends StorageHandle = StorageHandle> {
  /** Stores the events. */
  readonly storage: Storage;
  /** Notifies watches of new events. */
  readonly notifier: Notifier;
  /** Returns the time in milliseconds since 1970, for the timestamps of snapshots. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Whether a call that a transaction's callback makes past its `tx` is refused at once. It makes every `await` of the
   * process slower before Node 24. Default: from Node 24 on.
   */
  readonly findMisuse?: boolean | undefined;
  /**
   * Checks and copies the store. With it the factory has `verify` and `backup`. The disposal of the storage has to end what is
   * under way.
   */
  readonly maintenance?: StoreMaintenance | undefined;
  /** Whether the store has deletions that were interrupted: then the factory finishes them. Default false. */
  readonly hasUnfinishedDeletions?: boolean | undefined;
  /**
   * Whether the store has a record in the space `@copy` whose field `isComplete` is false: it then refuses every use but the
   * rest of the copy. Default false.
   */
  readonly isUnfinishedCopy?: boolean | undefined;
}
