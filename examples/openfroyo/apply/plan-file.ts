import type { JsonObject } from "async-streams";

/** A resource as a plan describes it. */
export interface PlannedResource {
  /** `<type>:<name>` */
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly state: JsonObject;
}

/** @throws Error which says what has not the form of a plan */
export function parsePlanFile(
  text: string,
  path: string,
): { readonly name: string; readonly resources: readonly PlannedResource[] } {
  const plan = parseJson(text, path);
  if (!isObject(plan) || typeof plan.name !== "string" || !Array.isArray(plan.resources)) {
    throw new Error(`${path}: a plan is { "name": "...", "resources": [...] }`);
  }
  return { name: plan.name, resources: plan.resources.map((resource, index) => resourceOf(resource, index, path)) };
}

function resourceOf(resource: unknown, index: number, path: string): PlannedResource {
  const { type, name, dependsOn = [], state = {} } = isObject(resource) ? resource : {};
  if (typeof type !== "string" || typeof name !== "string") {
    throw new Error(`${path}: resource ${index} needs a type and a name, which are texts`);
  }
  const id = `${type}:${name}`;
  if (!Array.isArray(dependsOn) || !dependsOn.every((dependency) => typeof dependency === "string")) {
    throw new Error(`${path}: dependsOn of "${id}" must be a list of ids`);
  }
  if (!isObject(state)) throw new Error(`${path}: the state of "${id}" must be an object`);
  return { id, type, name, dependsOn, state };
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`${path}: ${(cause as Error).message}`, { cause });
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
