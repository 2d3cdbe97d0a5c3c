import type { JsonObject, ListRecordsOptions, Records, StoredRecord } from "../../protocols/index.js";
import { MAX_LISTED_RECORDS } from "../limits.js";

/** The first records of a space, by key. */
interface Page {
  readonly records: Map<string, StoredRecord>;
  /** Whether the space has no others. */
  readonly isComplete: boolean;
}

/**
 * The records of one transaction that does the same for many: it reads the first `MAX_LISTED_RECORDS` of a space with one query,
 * and each that it is asked for behind these with one of its own.
 */
export class SharedRecords implements Records {
  readonly #records: Records;
  readonly #pages = new Map<string, Page>();

  constructor(records: Records) {
    this.#records = records;
  }

  async get(space: string, key: string): Promise<StoredRecord | null> {
    const { records, isComplete } = await this.#page(space);
    const found = records.get(key);
    return found === undefined && !isComplete ? this.#records.get(space, key) : (found ?? null);
  }

  async list(space: string, options: ListRecordsOptions = {}): Promise<readonly StoredRecord[]> {
    const { after = "", prefix = "", limit = MAX_LISTED_RECORDS } = options;
    const { records, isComplete } = await this.#page(space);
    if (after !== "" || !isComplete) return this.#records.list(space, options);
    return [...records.values()].filter(({ key }) => key.startsWith(prefix)).slice(0, limit);
  }

  async put(space: string, key: string, value: JsonObject, expected: number | "any" = "any"): Promise<number> {
    const revision = await this.#records.put(space, key, value, expected);
    const page = this.#pages.get(space);
    // A new one would not be in its place.
    if (page?.records.has(key)) page.records.set(key, { key, revision, value });
    else this.#pages.delete(space);
    return revision;
  }

  async delete(space: string, key: string, expected: number | "any" = "any"): Promise<void> {
    await this.#records.delete(space, key, expected);
    this.#pages.get(space)?.records.delete(key);
  }

  async #page(space: string): Promise<Page> {
    const known = this.#pages.get(space);
    if (known !== undefined) return known;
    const listed = await this.#records.list(space, { limit: MAX_LISTED_RECORDS });
    const records = new Map(listed.map((record) => [record.key, record]));
    const page = { records, isComplete: listed.length < MAX_LISTED_RECORDS };
    this.#pages.set(space, page);
    return page;
  }
}
