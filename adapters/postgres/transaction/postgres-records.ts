import type { JsonObject, ListRecordsOptions, Records, StoredRecord } from "../../../protocols/index.js";
import { recordConflict } from "../../../src/adapter-kit/record-conflict.js";
import { recordText } from "../../../src/adapter-kit/record-text.js";
import { storedObject } from "../../../src/adapter-kit/stored-json.js";
import { MAX_LISTED_RECORDS } from "../../../src/limits.js";
import type { ClientValue, PostgresConnection } from "../client/client.js";
import { INDEXED_NAME_BYTES, type StoreNames } from "../open/schema.js";
import { bytesOf, textOfHex } from "../sql-text.js";

interface Row {
  readonly revision: number;
  readonly value: string;
}

const HASH = "sha256(sha256($1::bytea) || sha256($2::bytea))";

/** Runs a task, and says of its error what was attempted. */
type Saying = <T>(attempt: string, task: () => Promise<T>) => Promise<T>;

/** The records of a store. A connection that changes them is in a transaction that holds the lock. */
export class PostgresRecords implements Records {
  readonly #connection: PostgresConnection;
  readonly #names: StoreNames;
  readonly #location: string;
  readonly #saying: Saying;

  constructor(connection: PostgresConnection, names: StoreNames, location: string, saying: Saying) {
    this.#connection = connection;
    this.#names = names;
    this.#location = location;
    this.#saying = saying;
  }

  async get(space: string, key: string): Promise<StoredRecord | null> {
    const row = await this.#find(space, key);
    return row === undefined ? null : this.#recordOf(space, key, row);
  }

  async put(space: string, key: string, value: JsonObject, expected: number | "any" = "any"): Promise<number> {
    const { prefix } = this.#names;
    // Without the expected revision the counter does not move, and nothing is stored.
    const text = `
      WITH next AS (
        UPDATE ${prefix}es_counters SET value = value + 1
        WHERE name = 'revision' AND ($4::bigint IS NULL
          OR $4 = coalesce((SELECT revision FROM ${prefix}es_records WHERE hash = ${HASH}), 0))
        RETURNING value
      )
      INSERT INTO ${prefix}es_records (hash, space_hash, space, key, revision, value)
      SELECT ${HASH}, sha256($1::bytea), $1::bytea, $2::bytea, next.value, $3 FROM next
      ON CONFLICT (hash) DO UPDATE SET revision = excluded.revision, value = excluded.value
      RETURNING revision`;
    const values = [bytesOf(space), bytesOf(key), recordText(value), expected === "any" ? null : expected];
    const [row] = await this.#query<Row>(["store", space, key], "es_put_record", text, values);
    if (row !== undefined) return row.revision;
    throw await this.#conflict("store", space, key, expected);
  }

  async delete(space: string, key: string, expected: number | "any" = "any"): Promise<void> {
    const text = `DELETE FROM ${this.#names.prefix}es_records
      WHERE hash = ${HASH} AND ($3::bigint IS NULL OR revision = $3) RETURNING revision`;
    const values = [bytesOf(space), bytesOf(key), expected === "any" ? null : expected];
    const [row] = await this.#query<Row>(["delete", space, key], "es_delete_record", text, values);
    if (row !== undefined || expected === "any") return;
    if ((await this.#find(space, key)) === undefined && expected === 0) return;
    throw await this.#conflict("delete", space, key, expected);
  }

  async list(space: string, options: ListRecordsOptions = {}): Promise<readonly StoredRecord[]> {
    const { after = "", prefix = "", limit = MAX_LISTED_RECORDS } = options;
    // The index has the beginnings of keys, which are in the same order.
    const text = `
      SELECT key, revision, value FROM ${this.#names.prefix}es_records
      WHERE space_hash = sha256($1::bytea) AND key > $2::bytea AND substring(key FROM 1 FOR length($3::bytea)) = $3::bytea
        AND substring(key FROM 1 FOR ${INDEXED_NAME_BYTES}) >= substring(greatest($2::bytea, $3::bytea) FROM 1 FOR ${INDEXED_NAME_BYTES})
      ORDER BY substring(key FROM 1 FOR ${INDEXED_NAME_BYTES}), key LIMIT $4::bigint`;
    const values = [bytesOf(space), bytesOf(after), bytesOf(prefix), limit];
    const rows = await this.#query<Row & { key: string }>(["list", space, prefix], "es_list_records", text, values);
    return rows.map((row) => this.#recordOf(space, textOfHex(row.key), row));
  }

  #recordOf(space: string, key: string, { revision, value }: Row): StoredRecord {
    return { key, revision, value: storedObject(value, `the record "${key}" of "${space}" in ${this.#location}`) };
  }

  async #find(space: string, key: string): Promise<Row | undefined> {
    const text = `SELECT revision, value FROM ${this.#names.prefix}es_records WHERE hash = ${HASH}`;
    const values = [bytesOf(space), bytesOf(key)];
    const [row] = await this.#query<Row>(["read", space, key], "es_find_record", text, values);
    return row;
  }

  async #conflict(verb: "store" | "delete", space: string, key: string, expected: number | "any") {
    const revision = (await this.#find(space, key))?.revision ?? 0;
    return recordConflict({ verb, space, key, expected, revision, location: this.#location });
  }

  #query<T>(
    [verb, space, key]: readonly [string, string, string],
    name: string,
    text: string,
    values: readonly ClientValue[],
  ): Promise<T[]> {
    return this.#saying(
      `${verb} the record "${key}" of "${space}"`,
      async () => (await this.#connection.query<T>({ name, text, values })).rows,
    );
  }
}
