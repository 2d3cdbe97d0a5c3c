import type { JsonObject } from "./json.js";

/**
 * A small table of JSON values with revisions, for what belongs to a program and not to its history: checkpoints, leases,
 * settings. A record is found by its space and its key.
 *
 * A space and a key are non-empty texts of at most `MAX_RECORD_KEY_LENGTH` UTF-16 units. Spaces that begin with `@` are
 * reserved. A value has at most `MAX_RECORD_BYTES` bytes as JSON.
 *
 * @example
 * ```ts
 * await streams.transaction(async (tx) => {
 *   const found = await tx.records.get("settings", "theme");
 *   await tx.records.put("settings", "theme", { dark: true }, found?.revision ?? 0);
 * });
 * ```
 */
export interface Records {
  /** The record, or null. */
  get(space: string, key: string): Promise<StoredRecord | null>;
  /**
   * Stores a record, or replaces it.
   *
   * @param expected - the revision that it must have; 0: it must not be there. Default `"any"`.
   * @returns the new revision.
   * @throws RecordConflictError when it has another revision.
   */
  put(space: string, key: string, value: JsonObject, expected?: number | "any"): Promise<number>;
  /**
   * Deletes a record. Where there is none, and `expected` is 0 or `"any"`, nothing happens.
   *
   * @param expected - the revision that it must have. Default `"any"`.
   * @throws RecordConflictError when it has another revision.
   */
  delete(space: string, key: string, expected?: number | "any"): Promise<void>;
  /** The records of a space by key, in code-point order. */
  list(space: string, options?: ListRecordsOptions): Promise<readonly StoredRecord[]>;
}

/** The options of {@link Records.list}. */
export interface ListRecordsOptions {
  /** Only keys after this one. */
  after?: string | undefined;
  /** Only keys that begin so. */
  prefix?: string | undefined;
  /** At most this many, from 1 to `MAX_LISTED_RECORDS`, which is the default. */
  limit?: number | undefined;
}

/** A record as it is stored. */
export interface StoredRecord {
  /** Its key in its space. */
  readonly key: string;
  /** What was stored. */
  readonly value: JsonObject;
  /**
   * Grows with every committed change of a record in the store and never comes again, not even after a delete: a fencing
   * token. Valid once its transaction has committed.
   */
  readonly revision: number;
}
