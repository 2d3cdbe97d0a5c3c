import { StorageError, type StoredRecord } from "../../protocols/index.js";
import { isPlainObject } from "../validate/json-text.js";

/** What the fields of a record have to be, by name. */
export type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

const isPlace = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isText = (value: unknown): boolean => typeof value === "string";
const isTextOrNull = (value: unknown): boolean => value === null || isText(value);

export const GROUP_SHAPE: Shape = {
  partitions: (value) => isPlace(value) && value !== 0,
  history: Array.isArray,
  members: (value) => typeof value === "object" && value !== null && isPlainObject(value),
  parked: isPlace,
  retries: isPlace,
};
export const PARTITION_SHAPE: Shape = { position: isPlace, owner: isTextOrNull, untilMs: isPlace, unsaved: isPlace };
export const PARKED_SHAPE: Shape = {
  streamId: isText,
  position: isPlace,
  attempts: isPlace,
  error: isTextOrNull,
  parkedAtMs: isPlace,
};

/**
 * Checks that a record is what consumers store, before it is trusted with what was handled.
 *
 * @throws StorageError `STORAGE_CORRUPT` when it is something else
 */
export function assertShape(space: string, { key, value }: StoredRecord, shape: Shape): void {
  for (const [field, isRight] of Object.entries(shape)) {
    if (isRight(value[field])) continue;
    const message =
      `Cannot read the record "${key}" of "${space}": its field ${field} is not what consumers store. The database is ` +
      "damaged.";
    throw new StorageError("STORAGE_CORRUPT", message);
  }
}
