import { hasStoreAccess, storeAccessOf } from "../transaction/store-access.js";
import type { ProjectionStatus } from "./projection.js";
import type { Build } from "./projection-records.js";

/** What of a runner others in the process may ask. */
export interface RunningProjections {
  /** How the newest build of each projection does. */
  status(): readonly ProjectionStatus[];
  /** How a build does; undefined where this runner does not run it. */
  statusOf(build: Build): ProjectionStatus | undefined;
  /** Up to where a build is, where this runner runs it; undefined where it does not. */
  positionOf(build: Build): number | undefined;
  /** Up to where that build of a projection is that has come furthest here; undefined where this runner runs none. */
  lastPositionOf(name: string): number | undefined;
  /** Called with every change, until it is taken back. */
  onChange(listener: () => void): () => void;
}

const runners = new WeakMap<object, Set<RunningProjections>>();

/** The runners of this process over a store, whatever it is wrapped in. */
export function runnersOf(store: object): Set<RunningProjections> {
  const key = hasStoreAccess(store) ? storeAccessOf(store, "find projections").storage : store;
  const found = runners.get(key) ?? new Set();
  runners.set(key, found);
  return found;
}
