import type { StandardSchema } from "../../protocols/standard-schema.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";

/** Keys whose type says that they may be null: what is erased reads as null. */
export type ErasableKeys<Data> = { [K in keyof Data & string]: null extends Data[K] ? K : never }[keyof Data & string];

/**
 * The versions that the data of an event type has had, the oldest first. Each step takes what the one before it gives, so
 * that a gap, a wrong order or a wrong type does not compile. The number of steps is the current version.
 *
 * It is a value that never changes: each method returns another one.
 */
export interface EventVersions<Data> {
  /**
   * The next version, by its type.
   *
   * @param upcast - makes its data of those of the version before; pure and synchronous
   */
  next<Next>(upcast: (data: Data) => Next): EventVersions<Next>;
  /**
   * The next version, by its schema.
   *
   * @param schema - synchronous and deterministic; checks what is written, and what `upcast` made
   * @param upcast - makes its data of those of the version before; pure and synchronous
   */
  next<Next>(schema: StandardSchema<unknown, Next>, upcast: (data: Data) => Next): EventVersions<Next>;
  /**
   * Declares which fields of this version belong to a person. This only says so: see `async-streams/privacy`.
   *
   * @param subject - the path of the person's id, such as `data.customerId`
   * @param fields - keys of the data, whose types allow null
   */
  personal(subject: string, fields: readonly ErasableKeys<Data>[]): EventVersions<Data>;
  /** The number of the current version, from 1. */
  readonly current: number;
  /** For the compiler alone. */
  readonly "~data"?: Data;
}

/** Fields of one version of an event type that belong to a person. */
export interface PersonalFields {
  /** The path of the person's id, such as `data.customerId`. */
  readonly subject: string;
  /** Keys of the data. */
  readonly fields: readonly string[];
}

/** One version of an event type. */
export interface VersionStep {
  /** Undefined: its type is taken as it is. */
  readonly schema: StandardSchema | undefined;
  /** Makes its data of those of the version before. Undefined for the first. */
  readonly upcast: ((data: unknown) => unknown) | undefined;
  readonly personal: readonly PersonalFields[];
}

/**
 * The first version of an event type: by a type that nobody checks, or by a schema that checks each write.
 *
 * @param schema - synchronous and deterministic. What it returns is stored
 * @throws InvalidArgumentError when it is no schema.
 *
 * @example
 * ```ts
 * const Opened = event<{ owner: string }>().next(({ owner }) => ({ owner, currency: "EUR" }));
 * ```
 */
export function event<Data>(schema?: StandardSchema<unknown, Data>): EventVersions<Data> {
  if (schema !== undefined) checkSchema(schema);
  return new EventChain([{ schema, upcast: undefined, personal: [] }]) as EventVersions<unknown> as EventVersions<Data>;
}

/**
 * The versions of an event type, the first one first.
 *
 * @throws InvalidArgumentError when it was not made with {@link event}.
 */
export function stepsOf(argument: string, versions: unknown): readonly VersionStep[] {
  const isChain = typeof versions === "object" && versions !== null && STEPS in versions;
  if (isChain) return versions[STEPS] as readonly VersionStep[];
  throw invalidArgument(argument, `expected what event() returns, got ${describeValue(versions)}`);
}

// By name, so that it is found across copies of the package.
const STEPS: unique symbol = Symbol.for("async-streams.EventVersions");

class EventChain implements EventVersions<unknown> {
  readonly [STEPS]: readonly VersionStep[];

  constructor(steps: readonly VersionStep[]) {
    this[STEPS] = steps;
  }

  get current(): number {
    return this[STEPS].length;
  }

  // biome-ignore lint/suspicious/noExplicitAny: what the steps give is checked where they are called.
  next(first: unknown, second?: unknown): EventVersions<any> {
    const [schema, upcast] = second === undefined ? [undefined, first] : [first, second];
    if (schema !== undefined) checkSchema(schema);
    // Schemas of some libraries are functions.
    if (typeof upcast !== "function" || isSchema(upcast)) {
      throw invalidArgument("upcast", `expected a function of the data of version ${this.current}`);
    }
    const step: VersionStep = { schema, upcast: upcast as (data: unknown) => unknown, personal: [] };
    return new EventChain([...this[STEPS], step]);
  }

  personal(subject: string, fields: readonly string[]): EventVersions<unknown> {
    checkPersonal(subject, fields);
    const last = this[STEPS].at(-1) as VersionStep;
    const personal = [...last.personal, { subject, fields: [...fields] }];
    return new EventChain([...this[STEPS].slice(0, -1), { ...last, personal }]);
  }
}

function checkPersonal(subject: unknown, fields: unknown): void {
  if (typeof subject !== "string" || subject === "") {
    throw invalidArgument("subject", `expected a path such as data.customerId, got ${describeValue(subject)}`);
  }
  const isList = Array.isArray(fields) && fields.every((field) => typeof field === "string" && field !== "");
  if (!isList) throw invalidArgument("fields", `expected a list of keys, got ${describeValue(fields)}`);
}

function checkSchema(schema: unknown): asserts schema is StandardSchema {
  if (!isSchema(schema)) throw invalidArgument("schema", `expected a Standard Schema, got ${describeValue(schema)}`);
}

function isSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const { "~standard": standard } = value as Partial<StandardSchema>;
  return typeof standard === "object" && typeof standard.validate === "function";
}
