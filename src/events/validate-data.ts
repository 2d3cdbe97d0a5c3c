import type { SchemaIssue, StandardSchema } from "../../protocols/standard-schema.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { isThenable } from "../validate/is-thenable.js";
import { describeValue, pathSegment } from "../validate/json-text.js";

/** What a schema makes of data, or what is wrong with them. */
export type Validated =
  | { readonly isValid: true; readonly data: unknown }
  | {
      readonly isValid: false;
      /** The path to the first fault, such as `data.items[3].price`. */
      readonly path: string;
      /** What is wrong there. */
      readonly reason: string;
      /** All issues; where the schema threw, its error; undefined where it returned neither a value nor issues. */
      readonly cause: unknown;
    };

/**
 * Has a schema check data.
 *
 * @throws InvalidArgumentError when it is asynchronous
 */
export function validateData(schema: StandardSchema, type: string, data: unknown): Validated {
  const result = resultOf(schema, data);
  if (result instanceof Failure) {
    return { isValid: false, path: "data", reason: "its schema threw", cause: result.error };
  }
  if (isThenable(result)) {
    ignoreResult(result);
    const reason = `the schema of ${JSON.stringify(type)} is asynchronous; events are taken as they are at the call`;
    throw invalidArgument("types", `${reason}, so use a synchronous one`);
  }
  if (typeof result !== "object" || result === null) {
    const reason = `its schema returned ${describeValue(result)}, which is neither a value nor issues`;
    return { isValid: false, path: "data", reason, cause: undefined };
  }
  const { issues } = result;
  if (issues === undefined) return { isValid: true, data: result.value };
  // Not map: some libraries have lists of their own.
  const all = Array.from(issues, plainIssue);
  const [first] = all;
  return { isValid: false, path: pathOf(first), reason: first?.message ?? "its schema refuses it", cause: all };
}

/** An error that a schema threw. */
class Failure {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

function resultOf(
  schema: StandardSchema,
  data: unknown,
): ReturnType<StandardSchema["~standard"]["validate"]> | Failure {
  try {
    return schema["~standard"].validate(data);
  } catch (error) {
    return new Failure(error);
  }
}

interface PlainIssue extends SchemaIssue {
  readonly path: readonly PropertyKey[];
}

/** The same shape whichever library found it. */
function plainIssue({ message, path = [] }: SchemaIssue): PlainIssue {
  return { message, path: Array.from(path, (segment) => (typeof segment === "object" ? segment.key : segment)) };
}

function pathOf(issue: PlainIssue | undefined): string {
  return `data${(issue?.path ?? []).map(pathSegment).join("")}`;
}

/** Nobody waits for it, so nobody is to learn that it failed. */
export function ignoreResult(promise: PromiseLike<unknown>): void {
  promise.then(ignore, ignore);
}

const ignore = (): void => undefined;
