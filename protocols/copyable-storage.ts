import type { EventPlace } from "./errors.js";
import type { NewEvent } from "./event.js";
import type { EncodedState, Snapshot } from "./snapshot.js";
import type { TransactionalStorage } from "./transactional-storage.js";

/**
 * A storage handle whose contents can be copied to and from another one. With it `copyStore` of `async-streams/copy` accepts
 * the stores of an adapter.
 *
 * The core decides what is copied and in which order, notes in a record how far a copy is, and compares the copy with its
 * source. The adapter reads and stores the contents as they are.
 *
 * @example
 * ```ts
 * declare const from: CopyableStorage;
 * const events = await from.exportContents(async (contents) => (await contents.readFigures()).eventCount);
 * ```
 */
export interface CopyableStorage extends TransactionalStorage {
  /**
   * Runs `work` on the contents of the store as they are at one moment, whatever is written meanwhile. It may take long, and
   * others write to the store meanwhile. In a store that lives in memory, they may have to wait.
   *
   * @throws whatever `work` rejects with.
   * @throws StorageError when the store cannot be read; `STORAGE_CORRUPT` when an item is not what was stored.
   */
  exportContents<T>(work: (contents: StoreContents) => Promise<T>): Promise<T>;

  /**
   * Makes the changes of a batch, all or none. Events keep their ids, places and timestamps. Batches come one at a time.
   *
   * @returns false, and changes nothing, when the store does not end at the position `batch.after`: somebody else has
   * written to it.
   * @throws StorageError when the store fails.
   */
  importContents(batch: ContentsBatch): Promise<boolean>;
}

/** The contents of a store at one moment. */
export interface StoreContents {
  /** The figures of the store; it counts the events. */
  readFigures(): Promise<ContentsFigures>;
  /** The names of the application's tables. Absent where there is no SQL. */
  listTables?(): Promise<readonly string[]>;
  /**
   * Reads the items of a part in the order of their keys, from behind `after` on. Texts are ordered by their code points. A
   * page has at most `MAX_COPY_PAGE_ITEMS` items and, unless it is a single one, about `MAX_COPY_PAGE_BYTES`. Nothing may
   * stay open when the reader stops early.
   */
  read<Part extends ContentsPart>(
    part: Part,
    after?: ContentsKeys[Part],
  ): AsyncIterable<readonly ContentsItems[Part][]>;
}

/** The figures of a store at one moment. */
export interface ContentsFigures {
  /** How many events it has. */
  readonly eventCount: number;
  /** The position of the last event, 0 without one. */
  readonly lastPosition: number;
  /** The last position that was given to an event, or skipped by a removal. */
  readonly givenPosition: number;
  /** The last revision that was given to a record. */
  readonly lastRevision: number;
}

/** The parts of a store's contents, with the items of each. */
export interface ContentsItems {
  /** The events. */
  readonly events: CopiedEvent;
  /** The streams whose first events were removed. */
  readonly prunedStreams: PrunedStream;
  /** The idempotency keys of removed events. */
  readonly keptKeys: KeptKey;
  /** The snapshots. */
  readonly snapshots: Snapshot<EncodedState>;
  /** The records, those of reserved spaces too. */
  readonly records: CopiedRecord;
}

/** The keys by which the items of each part are ordered. */
export interface ContentsKeys {
  /** By position. */
  readonly events: Pick<CopiedEvent, "position">;
  /** By stream. */
  readonly prunedStreams: Pick<PrunedStream, "streamId">;
  /** By stream and key. */
  readonly keptKeys: Pick<KeptKey, "streamId" | "key">;
  /** By stream, projection and version. */
  readonly snapshots: Pick<Snapshot, "streamId" | "projection" | "version">;
  /** By space and key. */
  readonly records: Pick<CopiedRecord, "space" | "key">;
}

/** The name of a part. */
export type ContentsPart = keyof ContentsItems;

/** An event with its place. */
export interface CopiedEvent extends EventPlace {
  /** When it was stored, in milliseconds since 1970. */
  readonly timestampMs: number;
  /** The event. Without a key its id is the UUID that the write has made. */
  readonly event: NewEvent;
}

/** A stream whose first events were removed. */
export interface PrunedStream {
  /** The stream. */
  readonly streamId: string;
  /** The first version that it still has, 2 or more. */
  readonly firstVersion: number;
}

/** The idempotency key of an event that was removed. */
export interface KeptKey extends EventPlace {
  /** The key. */
  readonly key: string;
}

/** A record with the space that it is in. */
export interface CopiedRecord {
  /** The space. */
  readonly space: string;
  /** The key in the space. */
  readonly key: string;
  /** The revision, which it keeps. */
  readonly revision: number;
  /** The JSON text of the value. */
  readonly value: string;
}

/** Changes that are made together, in the order of the fields. */
export interface ContentsBatch {
  /** The position of the last event that the store has before the batch. */
  readonly after: number;
  /** The items to remove. One that is not there is ignored. */
  readonly remove?: RemovedContents;
  /** The items to store. Others than events replace those with the same keys. */
  readonly put?: PutContents;
  /** The last position and the last revision that the store has given, from now on. Neither moves back behind what is there. */
  readonly figures?: Pick<ContentsFigures, "givenPosition" | "lastRevision">;
}

/** The items to remove. */
export interface RemovedContents {
  /** Keys of removed events. */
  readonly keptKeys?: readonly ContentsKeys["keptKeys"][];
  /** Snapshots. */
  readonly snapshots?: readonly ContentsKeys["snapshots"][];
  /** Records. */
  readonly records?: readonly ContentsKeys["records"][];
}

/** The items to store. */
export interface PutContents {
  /** In the order of their positions, behind all that are there. */
  readonly events?: readonly CopiedEvent[];
  /**
   * The first versions of streams. Up to `REMOVAL_STEP_EVENTS` of the events before the first version are removed, and the first
   * version is raised as far; what is left comes with a later batch.
   */
  readonly prunedStreams?: readonly PrunedStream[];
  /** Keys of removed events. */
  readonly keptKeys?: readonly KeptKey[];
  /** Snapshots. */
  readonly snapshots?: readonly Snapshot<EncodedState>[];
  /** Records. They do not move the last revision. */
  readonly records?: readonly CopiedRecord[];
}
