import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { packageProvider } from "./package-provider.js";
import { type PlannedResource, parsePlanFile } from "./plan-file.js";
import { isFileInside, isManifestPlace } from "./plan-paths.js";
import { PROVIDERS } from "./providers.js";

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

/** @throws Error which says what is wrong with the plan */
export async function readPlan(file: string): Promise<Plan> {
  const path = resolve(file);
  const text = await readFile(path, "utf8");
  const { name, resources } = parsePlanFile(text, path);
  const byId = new Map<string, PlannedResource>();
  for (const resource of resources) {
    const { id } = resource;
    checkResource(resource, path);
    if (byId.has(id)) throw new Error(`${path}: "${id}" is there twice`);
    byId.set(id, resource);
  }
  const hash = createHash("sha256").update(text).digest("hex");
  return { path, folder: dirname(path), name, resources: inOrder(byId, path), hash };
}

function checkResource({ id, type, name, state }: PlannedResource, path: string): void {
  const provider = PROVIDERS.get(type);
  if (provider === undefined) throw new Error(`${path}: nothing can make a "${type}" ("${name}")`);
  if (!isFileInside(name)) throw new Error(`${path}: "${name}" is not a path inside the target`);
  if (provider !== packageProvider && isManifestPlace(name)) {
    throw new Error(`${path}: "${name}" is where packages say what they have installed`);
  }
  try {
    provider.check(state);
  } catch (cause) {
    throw new Error(`${path}: "${id}": ${(cause as Error).message}`, { cause });
  }
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
