import { isDate, isMap, isSet } from "node:util/types";

const COLLECTION_MUTATORS = ["set", "add", "delete", "clear"] as const;
const DATE_MUTATORS = Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith("set"));

/** Freezes a value, and all that it holds. Maps, sets and dates refuse to be changed; what has hidden contents stays as it is. */
export function frozen<T>(value: T): T {
  freeze(value, new Set());
  return value;
}

function freeze(value: unknown, seen: Set<object>): void {
  if (typeof value !== "object" || value === null || seen.has(value) || ArrayBuffer.isView(value)) return;
  seen.add(value);
  if (isMap(value) || isSet(value)) {
    for (const [key, item] of value.entries()) {
      freeze(key, seen);
      freeze(item, seen);
    }
    refuseChanges(value, COLLECTION_MUTATORS);
  }
  if (isDate(value)) refuseChanges(value, DATE_MUTATORS);
  for (const key of Reflect.ownKeys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key);
    if (property !== undefined && "value" in property) freeze(property.value, seen);
  }
  Object.freeze(value);
}

function refuseChanges(value: object, mutators: readonly string[]): void {
  if (Object.isFrozen(value)) return;
  for (const name of mutators) {
    if (!(name in value)) continue;
    const refuse = (): never => {
      throw new TypeError(`Cannot assign to a read only value (${name})`);
    };
    Object.defineProperty(value, name, { value: refuse });
  }
}

/** Whether an error says that something frozen was to be changed. */
export function isChangeOfFrozen(error: unknown): error is TypeError {
  return (
    error instanceof TypeError &&
    /read only|not extensible|Cannot delete property|Cannot define property/.test(error.message)
  );
}
