import type {
  JsonObject,
  ListRecordsOptions,
  RecordConflictError,
  Records,
  StoredRecord,
} from "../../../protocols/index.js";
import { recordConflict } from "../../../src/adapter-kit/record-conflict.js";
import { recordText } from "../../../src/adapter-kit/record-text.js";
import { storedObject } from "../../../src/adapter-kit/stored-json.js";
import { MAX_LISTED_RECORDS, MAX_RECORD_KEY_LENGTH } from "../../../src/limits.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { storageError } from "../sqlite-errors.js";

const FIND = "SELECT revision, value FROM es_records WHERE space = ?1 AND key = ?2";

// The next revision is one more than the counter's, which triggers move on. Nothing is stored, and no row comes back, when
// the record has another revision than ?4.
const PUT = `
  INSERT INTO es_records (space, key, revision, value)
  SELECT ?1, ?2, (SELECT value + 1 FROM es_counters WHERE name = 'revision'), ?3
  WHERE ?4 IS NULL OR ?4 = coalesce((SELECT revision FROM es_records WHERE space = ?1 AND key = ?2), 0)
  ON CONFLICT (space, key) DO UPDATE SET revision = excluded.revision, value = excluded.value
  RETURNING revision`;

const DELETE =
  "DELETE FROM es_records WHERE space = ?1 AND key = ?2 AND (?3 IS NULL OR revision = ?3) RETURNING revision";

// SQLite compares UTF-8 byte by byte, which is the order of code points: what begins with a prefix is a range, up to the
// prefix with the last code point behind it. A key is read as JSON, since it may have a zero character; its order is another one,
// so the column is named with its table.
const LIST = `
  SELECT json_quote(r.key) AS key, r.revision, r.value FROM es_records AS r
  WHERE r.space = ?1 AND r.key > ?2 AND r.key >= ?3 AND r.key < ?3 || ?4 ORDER BY r.key LIMIT ?5 + 0`;

/** Greater than what is left of any key, which begins with a smaller code point, or has it fewer times. */
const LAST_CODE_POINTS = "\u{10ffff}".repeat(MAX_RECORD_KEY_LENGTH);

interface Row {
  readonly revision: number;
  readonly value: string;
}

/** The records of a store, over the connection of an open transaction. */
export class SQLiteRecords implements Records {
  readonly #connection: SQLiteConnection;
  readonly #location: string;
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure - told of each statement that failed */
  constructor(connection: SQLiteConnection, location: string, onFailure: (error: unknown) => void = () => undefined) {
    this.#connection = connection;
    this.#location = location;
    this.#onFailure = onFailure;
  }

  async get(space: string, key: string): Promise<StoredRecord | null> {
    const row = await this.#find(space, key);
    return row === undefined ? null : this.#recordOf(space, key, row);
  }

  async put(space: string, key: string, value: JsonObject, expected: number | "any" = "any"): Promise<number> {
    const parameters = [space, key, recordText(value), expected === "any" ? null : expected];
    const [row] = await this.#saying("store", space, key, () =>
      this.#connection.all<{ revision: number }>(PUT, parameters),
    );
    if (row !== undefined) return row.revision;
    throw await this.#conflict("store", space, key, expected);
  }

  async delete(space: string, key: string, expected: number | "any" = "any"): Promise<void> {
    const parameters = [space, key, expected === "any" ? null : expected];
    const [row] = await this.#saying("delete", space, key, () => this.#connection.all(DELETE, parameters));
    if (row !== undefined || expected === "any") return;
    if ((await this.#find(space, key)) === undefined && expected === 0) return;
    throw await this.#conflict("delete", space, key, expected);
  }

  async list(space: string, options: ListRecordsOptions = {}): Promise<readonly StoredRecord[]> {
    const { after = "", prefix = "", limit = MAX_LISTED_RECORDS } = options;
    const rows = await this.#saying("list", space, prefix, () =>
      this.#connection.all<Row & { readonly key: string }>(LIST, [space, after, prefix, LAST_CODE_POINTS, limit]),
    );
    return rows.map((row) => this.#recordOf(space, JSON.parse(row.key) as string, row));
  }

  #recordOf(space: string, key: string, { revision, value }: Row): StoredRecord {
    return { key, revision, value: storedObject(value, `the record "${key}" of "${space}" in ${this.#location}`) };
  }

  async #find(space: string, key: string): Promise<Row | undefined> {
    const [row] = await this.#saying("read", space, key, () => this.#connection.all<Row>(FIND, [space, key]));
    return row;
  }

  async #conflict(
    verb: "store" | "delete",
    space: string,
    key: string,
    expected: number | "any",
  ): Promise<RecordConflictError> {
    const revision = (await this.#find(space, key))?.revision ?? 0;
    return recordConflict({ verb, space, key, expected, revision, location: this.#location });
  }

  async #saying<T>(verb: string, space: string, key: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      this.#onFailure(error);
      throw storageError(error, `${verb} the record "${key}" of "${space}"`, this.#location);
    }
  }
}
