import type { EventShape } from "./event.js";

/**
 * The field that a clause compares. A path consists of object keys, separated by dots: `data.customer.country`. Array
 * elements have no path, and neither have keys that are empty or contain `.`, `[` or `]`.
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

/**
 * The value that a field is compared with. `id`, `type` and `streamId` are strings, and `version` and `position` numbers, so
 * that a value of another type matches nothing. `timestamp` takes a `Date` or an ISO 8601 string.
 */
export type FilterValue = string | number | boolean | null | Date;

/**
 * One condition on one field.
 *
 * - Only values of the same type are compared: `"1"` is never equal to `1`, nor different from it.
 * - A clause on a missing field never holds, not even with `!=`. `= null` holds when the field is a JSON null.
 * - Strings are compared by code point. `false` comes before `true`.
 * - In a `like` pattern, `%` is any run of characters and `_` any one character, with `\` to escape them. `like` and `prefix`
 *   are case-sensitive.
 */
export type FilterClause =
  | {
      /** What is compared. */
      readonly field: FilterField;
      /** Equal, not equal, or before or after in order. */
      readonly op: "=" | "!=" | "<" | "<=" | ">" | ">=";
      /** What the field is compared with. */
      readonly value: FilterValue;
    }
  | {
      /** What is compared. */
      readonly field: FilterField;
      /** Equal to one of the values. */
      readonly op: "in";
      /** At most `MAX_FILTER_VALUES`. An empty list matches nothing. */
      readonly value: readonly FilterValue[];
    }
  | {
      /** What is compared; `version`, `position` and `timestamp` are not strings, and never match. */
      readonly field: FilterField;
      /** Matches the pattern, or starts with the text. */
      readonly op: "like" | "prefix";
      /** The pattern or the text, at most `MAX_FILTER_PATTERN_LENGTH` UTF-16 units. */
      readonly value: string;
    };

/**
 * A list of clauses. An event matches when all of them hold, so an empty list matches every event. It is matched with what is
 * stored, and not with what upcasts of `async-streams/events` make of it.
 *
 * An unknown field, operator or key of a clause, an unsuitable value, or a filter beyond the limits is an
 * `InvalidFilterError`. The limits are `MAX_FILTER_CLAUSES`, `MAX_FILTER_VALUES` in one list, `MAX_FILTER_PATTERN_LENGTH`, `MAX_FILTER_PATH_LENGTH`, and
 * `MAX_FILTER_LENGTH` in total. Nothing in a filter ever becomes part of the SQL text.
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
 * `F`, unless it compares with an event type that is not in `T`. Then it is the same clauses with the valid types, so that the
 * compiler names the wrong type. A value whose type is only `string` is not checked.
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
 * The events that can match a filter. A clause on `type` with `=` or `in` narrows the union, if the filter is written inline or
 * with `as const`. Other filters do not narrow.
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

/** A validated clause, as adapters receive it: the path is split, and a time is in milliseconds since 1970. */
export interface ParsedClause {
  /** The field, or for a path what it is a path into. */
  readonly field: "id" | "type" | "streamId" | "version" | "position" | "timestamp" | "metadata" | "data";
  /** The keys below `metadata` or `data`; empty for the other fields. */
  readonly path: readonly string[];
  /** The operator of the clause. */
  readonly op: FilterClause["op"];
  /** One value, or for `in` the list. */
  readonly value: ParsedValue | readonly ParsedValue[];
}

/** A value of a {@link ParsedClause}. */
export type ParsedValue = string | number | boolean | null;
