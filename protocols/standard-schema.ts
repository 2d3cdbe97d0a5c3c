/**
 * The part of Standard Schema v1 that event types use: the schemas of zod, valibot, arktype and others fit as they are. It is
 * written down here, as the specification (https://standardschema.dev) invites to, so that there is no dependency.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** The properties that the specification names. */
  readonly "~standard": StandardSchemaProps<Input, Output>;
}

/** The properties of a {@link StandardSchema}. */
export interface StandardSchemaProps<Input, Output> {
  /** The version of the specification. */
  readonly version: 1;
  /** The library that the schema was made with. */
  readonly vendor: string;
  /** Checks a value. Event types take synchronous schemas only. */
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** For the compiler alone. */
  readonly types?: SchemaTypes<Input, Output> | undefined;
}

/** The types of a schema: what it takes and what it returns. */
export interface SchemaTypes<Input, Output> {
  /** What it takes. */
  readonly input: Input;
  /** What it returns. */
  readonly output: Output;
}

/** What a schema says of a value: what it makes of it, or what is wrong with it. */
export type SchemaResult<Output> = ValidValue<Output> | InvalidValue;

/** A value that a schema takes. */
export interface ValidValue<Output> {
  /** What the schema makes of it. */
  readonly value: Output;
  /** There are none. */
  readonly issues?: undefined;
}

/** A value that a schema refuses. */
export interface InvalidValue {
  /** What is wrong with it. */
  readonly issues: readonly SchemaIssue[];
}

/** Something that is wrong with a value. */
export interface SchemaIssue {
  /** For people. */
  readonly message: string;
  /** Where it is, below the value. */
  readonly path?: readonly (PropertyKey | SchemaPathSegment)[] | undefined;
}

/** A key or an index of a path. */
export interface SchemaPathSegment {
  /** The key or the index itself. */
  readonly key: PropertyKey;
}
