import { StorageError, type StoredRecord } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import { thrownValue } from "../validate/thrown-value.js";

/** What the fields of a record have to be, by name. */
export type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

export const isPlace = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
export const isText = (value: unknown): boolean => typeof value === "string";
export const isTextOrNull = (value: unknown): boolean => value === null || isText(value);

/**
 * Checks that a record is what the library stores, before it is trusted with what was done.
 *
 * @param by - who stores it, such as `consumers`
 * @throws StorageError `STORAGE_CORRUPT` when it is something else
 */
export function assertShape(space: string, { key, value }: StoredRecord, shape: Shape, by: string): void {
  for (const [field, isRight] of Object.entries(shape)) {
    if (!isRight(value[field])) throw new DamagedRecordError({ space, key, field, by });
  }
}

interface DamagedRecord {
  readonly space: string;
  readonly key: string;
  readonly field: string;
  readonly by: string;
}

/** Who reads a record does not know of which store it is. */
class DamagedRecordError extends StorageError {
  readonly record: DamagedRecord;

  constructor(record: DamagedRecord, location?: string) {
    const { space, key, field, by } = record;
    const message =
      `Cannot read the record "${key}" of "${space}"${inStore(location)}: its field ${field} is not what ${by} store. ` +
      "The database is damaged; restore it from a backup.";
    super("STORAGE_CORRUPT", message);
    this.record = record;
  }
}

/** Names the store of a record that is not what the library stores. Other errors are returned as they are. */
export function recordErrorIn(location: string | undefined, thrown: unknown): unknown {
  const error = thrownValue(thrown);
  return error instanceof DamagedRecordError ? new DamagedRecordError(error.record, location) : thrown;
}
