import type { ReadModelStore } from "./projection.js";

/** What of a runner others in the process may ask. */
export interface RunningProjections {
  /** Up to where the live build of a projection is, where this runner runs it; undefined where it does not. */
  positionOf(name: string, version: number, generation: number): number | undefined;
  /** Called with every change, until it is taken back. */
  onChange(listener: () => void): () => void;
}

const runners = new WeakMap<object, Set<RunningProjections>>();

/** The runners of this process over a store. */
export function runnersOf(store: ReadModelStore | object): Set<RunningProjections> {
  const found = runners.get(store) ?? new Set();
  runners.set(store, found);
  return found;
}
