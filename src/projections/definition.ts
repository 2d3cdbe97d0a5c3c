import { checkTypes, filterOf } from "../consumers/wanted-events.js";
import { parseFilter } from "../filter/parse-filter.js";
import { MAX_PROJECTION_NAME_LENGTH, MAX_PROJECTIONS, MAX_TIMER_MS } from "../limits.js";
import {
  checkBetween,
  checkFunction,
  checkOptions,
  checkSignal,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { thrownValue } from "../validate/thrown-value.js";
import type { EventHooks } from "../view/event-hooks.js";
import type { Projection, ProjectionOptions } from "./projection.js";

const FIELDS: OptionNames<Projection> = {
  name: true,
  version: true,
  types: true,
  filter: true,
  tables: true,
  project: true,
};

const OPTIONS: OptionNames<ProjectionOptions> = {
  store: true,
  mode: true,
  batchSize: true,
  leaseMs: true,
  onError: true,
  onStatus: true,
  signal: true,
};

const PLAIN_NAME = /^[A-Za-z0-9_]+$/;
const MAX_BATCH_EVENTS = 2_048;

/** A projection, checked and complete. */
export interface ParsedProjection extends Projection {
  readonly version: number;
}

/** The options, checked and complete. */
export interface ProjectionSettings {
  readonly mode: "behind" | "inline";
  /** Undefined: as it fits. */
  readonly batchSize: number | undefined;
  readonly leaseMs: number;
  readonly onError: "stop" | "park";
  readonly onStatus: NonNullable<ProjectionOptions["onStatus"]>;
  readonly signal: AbortSignal | undefined;
}

/** @throws InvalidArgumentError, InvalidFilterError */
export function parseProjections(projections: readonly Projection[], hooks?: EventHooks): readonly ParsedProjection[] {
  if (!Array.isArray(projections)) {
    throw invalidArgument("projections", `expected a list, got ${describeValue(projections)}`);
  }
  if (projections.length > MAX_PROJECTIONS) {
    throw invalidArgument("projections", `${projections.length} projections are more than ${MAX_PROJECTIONS}`);
  }
  const names = new Set<string>();
  return Array.from(projections, (projection) => {
    const parsed = parseProjection(projection, hooks);
    if (names.has(parsed.name)) throw invalidArgument("projections", `${describeValue(parsed.name)} is there twice`);
    names.add(parsed.name);
    return parsed;
  });
}

function parseProjection(projection: Projection, hooks: EventHooks | undefined): ParsedProjection {
  if (typeof projection !== "object" || projection === null) {
    throw invalidArgument("projections", `expected { name, project }, got ${describeValue(projection)}`);
  }
  checkOptions(projection, FIELDS, "field");
  const { name, version = 1, types, filter } = projection;
  checkPlainName("name", name);
  checkBetween("version", version, 1, Number.MAX_SAFE_INTEGER);
  checkTypes(types);
  parseFilter(filterOf({ types, filter }), hooks);
  checkFunction("tables", projection.tables);
  checkFunction("project", projection.project);
  if (projection.project === undefined) throw invalidArgument("project", "expected a function, got undefined");
  // Its functions keep the object that they belong to.
  const { tables } = projection;
  return {
    name,
    version,
    types,
    filter,
    ...(tables === undefined ? {} : { tables: (context) => tables.call(projection, context) }),
    async project(events, context) {
      try {
        await projection.project(events, context);
      } catch (error) {
        throw thrownValue(error);
      }
    },
  };
}

/** @throws InvalidArgumentError */
export function checkPlainName(argument: string, name: unknown): asserts name is string {
  if (typeof name === "string" && PLAIN_NAME.test(name) && name.length <= MAX_PROJECTION_NAME_LENGTH) return;
  const expected = `expected letters, digits and _, at most ${MAX_PROJECTION_NAME_LENGTH}`;
  throw invalidArgument(argument, `${expected}, got ${describeValue(name)}`);
}

/** @throws InvalidArgumentError */
export function parseProjectionOptions(options: ProjectionOptions): ProjectionSettings {
  checkOptions(options, OPTIONS);
  const { mode = "behind", batchSize, leaseMs = 10_000, onError = "stop", onStatus = () => undefined } = options;
  checkOneOf("mode", mode, ["behind", "inline"]);
  checkOneOf("onError", onError, ["stop", "park"]);
  if (batchSize !== undefined) checkBetween("batchSize", batchSize, 1, MAX_BATCH_EVENTS);
  checkBetween("leaseMs", leaseMs, 1, MAX_TIMER_MS);
  checkFunction("onStatus", onStatus);
  checkSignal(options.signal);
  return { mode, batchSize, leaseMs, onError, onStatus, signal: options.signal };
}

function checkOneOf(argument: string, value: unknown, values: readonly string[]): void {
  if (values.some((each) => each === value)) return;
  throw invalidArgument(
    argument,
    `expected ${values.map((each) => `"${each}"`).join(" or ")}, got ${describeValue(value)}`,
  );
}
