import type { Durability, Store, Subject } from "./subject.js";

export type SizeName = "small" | "full";

/** What is measured: one way to use a store. */
export interface Workload {
  readonly id: string;
  readonly title: string;
  readonly figures: readonly Figure[];
  /** The subject that the others are compared with. Default: "floor". */
  readonly base?: string;
  /** What single subjects are compared with instead. */
  readonly baseOf?: Readonly<Record<string, string>>;
  /** The names of the subjects that it applies to, beside those that are there only for it. Default: all. */
  readonly subjects?: readonly string[];
  /** Whether it measures what no flush changes: then one durability stands for both. */
  readonly isFlushFree?: boolean;
  /** Files that are filled once, in a process of their own, and then shared by all rounds. */
  readonly seeds?: readonly Seed[];
  run(context: WorkloadContext): Promise<FigureValues>;
  /** What other processes do while `run` is under way, where the workload needs them. Its figures are only for `run`. */
  help?(context: WorkloadContext): Promise<FigureValues>;
}

/** One number that a workload yields. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  /** Whether it is compared with that of the workload's base. */
  readonly hasRatio?: boolean;
  readonly goal?: Goal;
  /** The goals of single subjects, where one for all of them would say little. */
  readonly goalOf?: Readonly<Record<string, Goal>>;
  /** Kept in the saved samples, and left out of the tables. */
  readonly isDetail?: boolean;
}

/** What a figure of the library ought to be. */
export type Goal =
  | { readonly kind: "ratio"; readonly atLeast: Readonly<Record<Durability, number>> }
  | { readonly kind: "at least"; readonly value: number }
  | { readonly kind: "below"; readonly value: number }
  | { readonly kind: "at most"; readonly value: number };

export type FigureValues = Readonly<Record<string, number>>;

/** A file that is there before the measurement begins. */
export interface Seed {
  readonly name: string;
  fill(store: Store, size: SizeName): Promise<void>;
}

/** How many processes help at the same time, and how many callers each of them has. */
export interface Helpers {
  readonly processes: number;
  readonly callers: number;
}

/** What a workload has while it runs. */
export interface WorkloadContext {
  readonly subject: Subject;
  readonly durability: Durability;
  readonly size: SizeName;
  /** Empty, and only this measurement's. */
  readonly folder: string;
  /** Where the seed of that name is. */
  seedPath(name: string): string;
  /** A name for streams that no earlier round has written. */
  readonly uniqueName: string;
  /** The address of the run's PostgreSQL server; only workloads whose subjects need one may ask for it. */
  serverUrl(): string;
  /** What `startHelper` was told, in a helper. Default: one process and one caller. */
  readonly helpers: Helpers;
  /** Starts `help` in a process of its own; resolves when that has ended well. */
  startHelper(helpers?: Helpers): Promise<FigureValues>;
}
