import type { EventShape, StoredEvent } from "../../protocols/index.js";
import { checkName, checkOptions, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { synchronous } from "../validate/synchronous.js";

/**
 * State as a function of events. Pure: no clock, no I/O. The state that it returns is shared, so nothing changes it
 * afterwards.
 */
export interface Fold<S, E extends EventShape> {
  /** Names its state in snapshots and in caches. Two folds of one name are the same one. */
  readonly name: string;
  /**
   * Raise it by 1 with every change of `evolve` or of the state's form. Snapshots of lower versions are not used any more, and
   * those of the 100 versions below are removed when the fold saves one. Default 1.
   */
  readonly version?: number | undefined;
  /** The state before the first event. */
  initial(): S;
  /** The state after an event. Return a new one, and leave the old one as it is. */
  evolve(state: S, event: StoredEvent<E>): S;
  /** When to save snapshots, for streams that get long. Default: never. */
  readonly snapshot?: SnapshotPolicy | undefined;
}

/** When a fold saves snapshots. Their projection is `<name>@<version>`. */
export interface SnapshotPolicy {
  /** After so many events; 1 or more. */
  readonly every: number;
  /** How many of the newest ones stay; 1 or more. Default 2. */
  readonly keep?: number | undefined;
}

/** A fold over the events that a query finds, which have no snapshots: see {@link Fold}. */
export type QueryFold<S, E extends EventShape> = Omit<Fold<S, E>, "snapshot">;

/** A fold, checked and complete. */
export interface ParsedFold<S = unknown> {
  readonly name: string;
  readonly version: number;
  /** The projection of its snapshots, and its name in caches. */
  readonly projection: string;
  readonly snapshot: Required<SnapshotPolicy> | undefined;
  initial(): S;
  evolve(state: S, event: StoredEvent): S;
}

const SNAPSHOT: OptionNames<SnapshotPolicy> = { every: true, keep: true };

const DEFAULT_KEEP = 2;

/** What is given as a fold: the types of its events are the caller's word. */
// biome-ignore lint/suspicious/noExplicitAny: `evolve` takes events of its own, and storage has only events.
type AnyFold<S> = Fold<S, any>;

/** Folds that were checked. A program has few, and loads with them again and again. */
const parsedFolds = new WeakMap<object, ParsedFold<never>>();

/**
 * Checks a fold.
 *
 * @throws InvalidArgumentError
 */
export function parseFold<S>(fold: AnyFold<S>): ParsedFold<S> {
  const known = typeof fold === "object" && fold !== null ? parsedFolds.get(fold) : undefined;
  if (known !== undefined) return known as unknown as ParsedFold<S>;
  const parsed = parse(fold);
  parsedFolds.set(fold, parsed as unknown as ParsedFold<never>);
  return parsed;
}

function parse<S>(fold: AnyFold<S>): ParsedFold<S> {
  if (typeof fold !== "object" || fold === null) {
    throw invalidArgument("fold", `expected { name, initial, evolve }, got ${describeValue(fold)}`);
  }
  const { name, version = 1, initial, evolve, snapshot } = fold;
  checkName("fold.name", name);
  checkCount("fold.version", version);
  checkPresent("fold.initial", initial);
  checkPresent("fold.evolve", evolve);
  const projection = `${name}@${version}`;
  checkName("fold.name", projection);
  return {
    name,
    version,
    projection,
    snapshot: snapshot === undefined ? undefined : parsePolicy(snapshot),
    initial: () => synchronous("fold.initial", fold.initial()),
    evolve: (state, event) => synchronous("fold.evolve", fold.evolve(state, event)),
  };
}

function parsePolicy(snapshot: SnapshotPolicy): Required<SnapshotPolicy> {
  if (typeof snapshot !== "object" || snapshot === null) {
    throw invalidArgument("fold.snapshot", `expected { every }, got ${describeValue(snapshot)}`);
  }
  checkOptions(snapshot, SNAPSHOT);
  const { every, keep = DEFAULT_KEEP } = snapshot;
  checkCount("fold.snapshot.every", every);
  checkCount("fold.snapshot.keep", keep);
  return { every, keep };
}

function checkPresent(argument: string, value: unknown): void {
  if (typeof value !== "function") throw invalidArgument(argument, `expected a function, got ${describeValue(value)}`);
}

/** @throws InvalidArgumentError when it is no whole number, 1 or more */
export function checkCount(argument: string, value: unknown): void {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return;
  throw invalidArgument(argument, `expected a whole number, 1 or more, got ${describeValue(value)}`);
}
