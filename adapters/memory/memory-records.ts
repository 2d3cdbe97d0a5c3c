import type { CopiedRecord, JsonObject, ListRecordsOptions, Records, StoredRecord } from "../../protocols/index.js";
import { compareCodePoints } from "../../src/adapter-kit/code-point-order.js";
import { recordConflict } from "../../src/adapter-kit/record-conflict.js";
import { recordText } from "../../src/adapter-kit/record-text.js";
import { MAX_LISTED_RECORDS } from "../../src/limits.js";

/** A record with its value as JSON text, so that nobody shares the value. */
interface RecordText {
  readonly revision: number;
  readonly text: string;
}

/** The records of each space; null is one that a transaction has deleted. */
type Spaces = Map<string, Map<string, RecordText | null>>;

/** The records of a store. */
export class MemoryRecords {
  readonly #spaces: Spaces = new Map();
  #revision = 0;

  /** A number that no record has had, not even in a transaction that was rolled back. */
  nextRevision(): number {
    this.#revision += 1;
    return this.#revision;
  }

  find(space: string, key: string): RecordText | null {
    return this.#spaces.get(space)?.get(key) ?? null;
  }

  keysOf(space: string): Iterable<string> {
    return this.#spaces.get(space)?.keys() ?? [];
  }

  /** The last revision that was given. */
  get lastRevision(): number {
    return this.#revision;
  }

  *all(): Generator<CopiedRecord, void> {
    for (const [space, records] of this.#spaces) {
      for (const [key, record] of records)
        if (record !== null) yield { space, key, revision: record.revision, value: record.text };
    }
  }

  /** Stores a record as it is in another store. */
  import({ space, key, revision, value }: CopiedRecord): void {
    changeIn(this.#spaces, space, key, { revision, text: value });
  }

  remove({ space, key }: Pick<CopiedRecord, "space" | "key">): void {
    this.#spaces.get(space)?.delete(key);
  }

  /** Gives none of the revisions up to this one any more. */
  skipTo(revision: number): void {
    this.#revision = Math.max(this.#revision, revision);
  }

  /** Makes the changes of a transaction. */
  apply(changes: Spaces): void {
    for (const [space, records] of changes) {
      for (const [key, record] of records) {
        if (record === null) this.#spaces.get(space)?.delete(key);
        else changeIn(this.#spaces, space, key, record);
      }
      if (this.#spaces.get(space)?.size === 0) this.#spaces.delete(space);
    }
  }
}

/** The records of a store with what a transaction changes. The store's own stay as they are until the commit. */
export class RecordOverlay implements Records {
  readonly #stored: MemoryRecords;
  readonly #location: string;
  readonly #changes: Spaces = new Map();

  constructor(stored: MemoryRecords, location: string) {
    this.#stored = stored;
    this.#location = location;
  }

  commit(): void {
    this.#stored.apply(this.#changes);
  }

  async get(space: string, key: string): Promise<StoredRecord | null> {
    const found = this.#find(space, key);
    return found === null ? null : recordOf(key, found);
  }

  async put(space: string, key: string, value: JsonObject, expected: number | "any" = "any"): Promise<number> {
    this.#checkRevision("store", space, key, expected);
    const revision = this.#stored.nextRevision();
    changeIn(this.#changes, space, key, { revision, text: recordText(value) });
    return revision;
  }

  async delete(space: string, key: string, expected: number | "any" = "any"): Promise<void> {
    this.#checkRevision("delete", space, key, expected);
    changeIn(this.#changes, space, key, null);
  }

  async list(space: string, options: ListRecordsOptions = {}): Promise<readonly StoredRecord[]> {
    const { after, prefix = "", limit = MAX_LISTED_RECORDS } = options;
    const keys = new Set([...this.#stored.keysOf(space), ...(this.#changes.get(space)?.keys() ?? [])]);
    const listed: StoredRecord[] = [];
    for (const key of [...keys].sort(compareCodePoints)) {
      if (listed.length === limit) break;
      if (!key.startsWith(prefix) || (after !== undefined && compareCodePoints(key, after) <= 0)) continue;
      const found = this.#find(space, key);
      if (found !== null) listed.push(recordOf(key, found));
    }
    return listed;
  }

  #find(space: string, key: string): RecordText | null {
    const changed = this.#changes.get(space)?.get(key);
    return changed === undefined ? this.#stored.find(space, key) : changed;
  }

  #checkRevision(verb: "store" | "delete", space: string, key: string, expected: number | "any"): void {
    const revision = this.#find(space, key)?.revision ?? 0;
    if (expected === "any" || expected === revision) return;
    throw recordConflict({ verb, space, key, expected, revision, location: this.#location });
  }
}

function recordOf(key: string, { revision, text }: RecordText): StoredRecord {
  return { key, value: JSON.parse(text) as JsonObject, revision };
}

function changeIn(spaces: Spaces, space: string, key: string, record: RecordText | null): void {
  const records = spaces.get(space) ?? new Map<string, RecordText | null>();
  spaces.set(space, records);
  records.set(key, record);
}
