import { StorageError, type StoredRecord } from "../../protocols/index.js";

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
    if (isRight(value[field])) continue;
    const message =
      `Cannot read the record "${key}" of "${space}": its field ${field} is not what ${by} store. The database is ` +
      "damaged.";
    throw new StorageError("STORAGE_CORRUPT", message);
  }
}
