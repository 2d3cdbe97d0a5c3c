import type { EventShape } from "./event.js";

/**
 * What an event can be filtered by. Paths are dot-separated keys of objects: `data.customer.country`. Elements of arrays
 * have no path, nor have keys that are empty or contain `.`, `[` or `]`.
 */
export type FilterField =
  | "id"
  | "type"
  | "streamId"
  | "version"
  | "position"
  | "timestamp"
  | `metadata.${string}`
  | `data.${string}`;

/** What a field can be compared with. A `Date` is for `timestamp`, which takes an ISO 8601 string as well. */
export type FilterValue = string | number | boolean | null | Date;

/**
 * One condition on one field.
 *
 * - A comparison holds only between values of one type: `"1"` is never equal to `1`, nor different from it.
 * - A clause on a field that is not there never holds, `!=` included. `= null` means a JSON null that is there.
 * - Strings are compared by code point; `false` comes before `true`.
 * - `like` takes `%` (any run of characters) and `_` (any one character), with `\` to escape them. `like` and `prefix`
 *   are case-sensitive.
 */
export type FilterClause =
  | {
      readonly field: FilterField;
      readonly op: "=" | "!=" | "<" | "<=" | ">" | ">=";
      readonly value: FilterValue;
    }
  | { readonly field: FilterField; readonly op: "in"; readonly value: readonly FilterValue[] }
  | { readonly field: FilterField; readonly op: "like" | "prefix"; readonly value: string };

/**
 * A list of clauses, all of which must hold. An empty list lets everything through.
 *
 * An unknown field or operator, a value that does not fit the operator, or a filter beyond the limits is an
 * `InvalidFilterError`. The limits are `MAX_FILTER_CLAUSES`, `MAX_FILTER_VALUES` in one list,
 * `MAX_FILTER_PATTERN_LENGTH`, `MAX_FILTER_PATH_LENGTH`, and `MAX_FILTER_LENGTH` for all of it together. Nothing in a
 * filter ever becomes part of a statement's text.
 *
 * @example
 * ```ts
 * const large: EventFilter = [
 *   { field: "type", op: "in", value: ["Deposited", "Withdrawn"] },
 *   { field: "data.amount", op: ">=", value: 10_000 },
 * ];
 * ```
 */
export type EventFilter = readonly FilterClause[];

/**
 * `F`, or where it asks for an event type that is none of `T`, the same clauses with the types that there are: the
 * compiler then names the type that is wrong. A value whose type is only `string` is not checked.
 */
export type TypedFilter<T extends string, F extends EventFilter> = [Exclude<LiteralTypes<F[number]>, T>] extends [never]
  ? F
  : readonly TypedClause<T, F[number]>[];

/** The literal event types that a clause compares with. */
type LiteralTypes<C> = C extends { readonly field: "type"; readonly op: "=" | "!="; readonly value: infer V }
  ? Literal<V>
  : C extends { readonly field: "type"; readonly op: "in"; readonly value: readonly (infer V)[] }
    ? Literal<V>
    : never;

type Literal<V> = string extends V ? never : V;

type TypedClause<T extends string, C extends FilterClause> = C extends { readonly field: "type"; readonly op: infer Op }
  ? Op extends "=" | "!="
    ? { readonly field: "type"; readonly op: Op; readonly value: T }
    : Op extends "in"
      ? { readonly field: "type"; readonly op: Op; readonly value: readonly T[] }
      : C
  : C;

/**
 * The events that a filter can let through. A clause that asks for `type` by `=` or `in` narrows the union, where the
 * filter is written in place or `as const`; all other filters leave it whole.
 */
export type SelectedEvent<E extends EventShape, F extends EventFilter> = F extends readonly [infer C, ...infer Rest]
  ? SelectedEvent<OfType<E, TypesLetThrough<[C]>>, Rest extends EventFilter ? Rest : []>
  : E;

type TypesLetThrough<C> = C extends [{ readonly field: "type"; readonly op: "="; readonly value: infer V }]
  ? V
  : C extends [{ readonly field: "type"; readonly op: "in"; readonly value: readonly (infer V)[] }]
    ? V
    : string;

type OfType<E extends EventShape, T> = E extends EventShape ? ([E["type"] & T] extends [never] ? never : E) : never;

/** A clause that has been checked: the path is split, a time is milliseconds since 1970. What adapters receive. */
export interface ParsedClause {
  readonly field: "id" | "type" | "streamId" | "version" | "position" | "timestamp" | "metadata" | "data";
  /** The keys below `metadata` or `data`; empty for the other fields. */
  readonly path: readonly string[];
  readonly op: FilterClause["op"];
  /** One value, or for `in` the list. */
  readonly value: ParsedValue | readonly ParsedValue[];
}

/** A value of a {@link ParsedClause}. */
export type ParsedValue = string | number | boolean | null;
