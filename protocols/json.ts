/** Any value that JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A JSON object, the form that an event's metadata takes. */
export type JsonObject = { readonly [key: string]: JsonValue };

/**
 * `T` as far as JSON carries it: a `Date`, a `Map`, a BigInt, a function or an instance of a class with methods does not
 * fit, and the compiler names it. Interfaces pass as well as type aliases do.
 *
 * It cannot tell a plain object from an instance of a class without methods, nor a number from NaN: the write checks
 * every value as well.
 */
export type Storable<T> = T extends JsonValue | undefined
  ? T
  : T extends Date
    ? "A Date would come back as a string. Use its toISOString()."
    : T extends bigint | symbol | ((...args: never) => unknown)
      ? never
      : T extends readonly unknown[]
        ? StorableList<T>
        : [keyof T] extends [never]
          ? T
          : { [K in keyof T]: Storable<T[K]> };

/** A tuple keeps its length. Other arrays are not mapped, since the compiler would go round a recursive one for ever. */
type StorableList<T extends readonly unknown[]> = T extends readonly [] | readonly [unknown, ...unknown[]]
  ? { [K in keyof T]: Storable<T[K]> }
  : readonly Storable<T[number]>[];
