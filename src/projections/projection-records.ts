import { createHash } from "node:crypto";
import type { JsonObject, Records } from "../../protocols/index.js";
import { LIVE_PROJECTIONS_SPACE, PROJECTIONS_SPACE } from "../administration/reserved-spaces.js";
import { assertShape, isPlace, isText, isTextOrNull, type Shape } from "../leases/record-shapes.js";

/** The state of one build of a projection: checkpoint, lease and fence in one. */
export type BuildState = {
  /** Everything up to here is in the tables. */
  readonly position: number;
  /** Null: nobody runs it. */
  readonly owner: string | null;
  readonly untilMs: number;
  /** How long the lease lasts unless it is renewed. */
  readonly leaseMs: number;
  /** How many events were set aside. */
  readonly parked: number;
  /** The plain names of its tables. */
  readonly tables: readonly string[];
  /** Whether it has once been within one batch of the end. */
  readonly hasCaughtUp: boolean;
  /**
   * Whether events that it would need may have been removed: it projects nothing before its runner has looked, or somebody has
   * said that they may be missing.
   */
  readonly mayLackEvents?: boolean;
  /** Whether it may be shown in place of what has events that the store does not have any more. */
  readonly mayShowLess?: boolean;
};

/** Which build readers see, and which others have tables. */
export type LiveState = {
  readonly version: number;
  readonly generation: number;
  /** Builds that were live, and when they were swapped away. */
  readonly former: readonly { readonly version: number; readonly generation: number; readonly sinceMs: number }[];
  /** The generation of the live version that is to be built; null: none. */
  readonly rebuilding: number | null;
};

/** One build: a version, and how often it was built again. */
export interface Build {
  readonly name: string;
  readonly version: number;
  readonly generation: number;
}

export interface Stored<Value> {
  readonly value: Value;
  readonly revision: number;
}

/** The spaces of the records, which begin with `@` where the store lets the library have them. */
export interface Spaces {
  readonly builds: string;
  readonly live: string;
  readonly parked: string;
}

export const RESERVED: Spaces = {
  builds: PROJECTIONS_SPACE,
  live: LIVE_PROJECTIONS_SPACE,
  parked: "@parked-projections",
};
export const PUBLIC: Spaces = {
  builds: "async-streams.projections",
  live: "async-streams.live-projections",
  parked: "async-streams.parked-projections",
};

/** `orders@2`, and `orders@2.1` when it was built again. */
export function buildKey({ name, version, generation }: Build): string {
  return `${name}@${version}${generation === 0 ? "" : `.${generation}`}`;
}

/** PostgreSQL cuts longer names. A plain name has ASCII only, so that a character is a byte. */
const MAX_TABLE_NAME_BYTES = 63;

/** As many hexadecimal digits of a hash as keep two tables of a store apart. */
const HASH_DIGITS = 24;

/** `orders__2`, and `orders__2_1` when it was built again. Too long a name ends with a hash of the whole. */
export function tableName(plainName: string, { version, generation }: Pick<Build, "version" | "generation">): string {
  const whole = `${plainName}__${version}${generation === 0 ? "" : `_${generation}`}`;
  if (whole.length <= MAX_TABLE_NAME_BYTES) return whole;
  const hash = createHash("sha256").update(whole).digest("hex").slice(0, HASH_DIGITS);
  return `${whole.slice(0, MAX_TABLE_NAME_BYTES - HASH_DIGITS - 1)}_${hash}`;
}

const BUILD_SHAPE: Shape = {
  position: isPlace,
  owner: isTextOrNull,
  untilMs: isPlace,
  leaseMs: isPlace,
  parked: isPlace,
  tables: (value) => Array.isArray(value) && value.every(isText),
  hasCaughtUp: (value) => typeof value === "boolean",
};
const LIVE_SHAPE: Shape = {
  version: isPlace,
  generation: isPlace,
  former: Array.isArray,
  rebuilding: (value) => value === null || isPlace(value),
};

export async function readBuild(
  records: Pick<Records, "get">,
  spaces: Spaces,
  build: Build,
): Promise<Stored<BuildState> | null> {
  const found = await records.get(spaces.builds, buildKey(build));
  if (found === null) return null;
  assertShape(spaces.builds, found, BUILD_SHAPE, "projections");
  return { value: found.value as unknown as BuildState, revision: found.revision };
}

export function writeBuild(
  records: Records,
  spaces: Spaces,
  build: Build,
  state: BuildState,
  expected: number,
): Promise<number> {
  return records.put(spaces.builds, buildKey(build), state as unknown as JsonObject, expected);
}

export async function readLive(records: Pick<Records, "get">, spaces: Spaces, name: string): Promise<LiveState | null> {
  const found = await records.get(spaces.live, name);
  if (found === null) return null;
  assertShape(spaces.live, found, LIVE_SHAPE, "projections");
  return found.value as LiveState;
}

export async function writeLive(records: Records, spaces: Spaces, name: string, live: LiveState): Promise<void> {
  await records.put(spaces.live, name, live as unknown as JsonObject);
}
