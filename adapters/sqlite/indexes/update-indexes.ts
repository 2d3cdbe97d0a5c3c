import type { SQLiteConnection } from "../drivers/driver.js";
import { retryWhileBusy } from "../retry-busy.js";
import { inTransaction } from "../transaction/transaction.js";
import { definitionsOf, type FieldIndex, type IndexDefinition, indexedField } from "./field-index.js";

/** What opening a store does about one of its indexes. */
export interface IndexProgress {
  /** The field, or the name in the database where the library did not make the index. */
  readonly index: string;
  /** `"building"` before it is built, and `"built"` or `"dropped"` afterwards. */
  readonly state: "building" | "built" | "dropped";
}

/** An index of the database whose name is one of an index of a field. */
export interface FoundIndex {
  readonly name: string;
  readonly sql: string | null;
}

/** What the store is to have. */
export interface WantedIndexes {
  readonly indexes: readonly FieldIndex[];
  readonly onProgress: ((progress: IndexProgress) => void) | undefined;
  readonly busyTimeoutMs: number;
}

/**
 * Drops the indexes that are not wanted, and builds those that are missing. Each field is a transaction, so that other
 * processes write between two fields. Where nothing changes there is no statement.
 *
 * @param found - the indexes that the store has
 */
export async function updateIndexes(
  connection: SQLiteConnection,
  found: readonly FoundIndex[],
  { indexes, onProgress, busyTimeoutMs }: WantedIndexes,
): Promise<void> {
  const has = ({ name, sql }: FoundIndex) => found.some((index) => index.name === name && index.sql === sql);
  const transaction = (statements: readonly string[]) =>
    retryWhileBusy(busyTimeoutMs, () =>
      inTransaction(connection, async () => {
        for (const sql of statements) await connection.run(sql);
      }),
    );
  const wanted = indexes.flatMap(definitionsOf);
  // Another program's index is in the way only if it has the name of one that is wanted.
  const unwanted = found.filter((index) => {
    const sameName = wanted.find(({ name }) => name === index.name);
    return sameName === undefined ? indexedField(index) !== null : sameName.sql !== index.sql;
  });
  if (unwanted.length > 0) {
    await transaction(unwanted.map(({ name }) => `DROP INDEX IF EXISTS ${name}`));
    const dropped = new Set(unwanted.map((index) => indexedField(index) ?? index.name));
    for (const index of dropped) onProgress?.({ index, state: "dropped" });
  }
  for (const index of indexes) {
    const missing = definitionsOf(index).filter((definition) => !has(definition));
    if (missing.length === 0) continue;
    onProgress?.({ index: index.field, state: "building" });
    await transaction(missing.map(unlessBuilt));
    onProgress?.({ index: index.field, state: "built" });
  }
}

/** Another process may build it while this one waits for the lock. */
function unlessBuilt({ sql }: IndexDefinition): string {
  return sql.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS");
}
