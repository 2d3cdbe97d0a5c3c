/** Any value that JSON can carry. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** A JSON object, the form that an event's metadata takes. */
export type JsonObject = { readonly [key: string]: JsonValue };

/**
 * `T` if JSON can carry it. A `Date`, a `Map`, a BigInt, a function or an instance of a class with methods does not compile,
 * and the compiler names it. Interfaces and type aliases both work.
 *
 * The type cannot tell a plain object from an instance of a class without methods, or a number from NaN. So the write also
 * checks every value.
 */
export type Storable<T> = [T] extends [JsonValue | undefined] ? T : StorablePart<T>;

/** A member of a union. `any`, which would be taken for each of the cases without an end, does not get here. */
type StorablePart<T> = T extends JsonValue | undefined
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

/** A tuple keeps its length. Other arrays are not mapped, because a recursive type would never end. */
type StorableList<T extends readonly unknown[]> = T extends readonly [] | readonly [unknown, ...unknown[]]
  ? { [K in keyof T]: Storable<T[K]> }
  : readonly Storable<T[number]>[];
