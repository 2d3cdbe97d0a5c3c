import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { JsonObject } from "async-streams";
import { isInside } from "./plan-paths.js";
import { PROVIDERS } from "./providers.js";

/** A resource as a plan describes it. */
export interface PlannedResource {
  /** `<type>:<name>` */
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly dependsOn: readonly string[];
  readonly state: JsonObject;
}

/** A plan file, read and checked. */
export interface Plan {
  readonly path: string;
  /** Where the sources of packages are. */
  readonly folder: string;
  readonly name: string;
  /** Each after those that it depends on. */
  readonly resources: readonly PlannedResource[];
  /** Tells one text of the plan from another. */
  readonly hash: string;
}

interface PlanFile {
  readonly name: string;
  readonly resources: readonly (Pick<PlannedResource, "type" | "name"> & Partial<PlannedResource>)[];
}

/** @throws Error which says what is wrong with the plan */
export async function readPlan(file: string): Promise<Plan> {
  const path = resolve(file);
  const text = await readFile(path, "utf8");
  const { name, resources } = JSON.parse(text) as PlanFile;
  const byId = new Map<string, PlannedResource>();
  for (const { type, name: resource, dependsOn = [], state = {} } of resources) {
    const id = `${type}:${resource}`;
    if (PROVIDERS[type] === undefined) throw new Error(`${path}: nothing can make a "${type}" ("${resource}")`);
    if (!isInside(resource)) throw new Error(`${path}: "${resource}" is not a path inside the target`);
    if (byId.has(id)) throw new Error(`${path}: "${id}" is there twice`);
    byId.set(id, { id, type, name: resource, dependsOn, state });
  }
  const hash = createHash("sha256").update(text).digest("hex");
  return { path, folder: dirname(path), name, resources: inOrder(byId, path), hash };
}

/** @throws Error when a dependency is missing, or depends on itself */
function inOrder(byId: ReadonlyMap<string, PlannedResource>, path: string): PlannedResource[] {
  const ordered = new Set<PlannedResource>();
  const visit = (id: string, through: readonly string[]): void => {
    const resource = byId.get(id);
    if (resource === undefined) throw new Error(`${path}: "${through.at(-1)}" depends on "${id}", which is not there`);
    if (ordered.has(resource)) return;
    if (through.includes(id)) throw new Error(`${path}: "${id}" depends on itself, by ${through.join(", ")}`);
    for (const dependency of resource.dependsOn) visit(dependency, [...through, id]);
    ordered.add(resource);
  };
  for (const id of byId.keys()) visit(id, []);
  return [...ordered];
}
