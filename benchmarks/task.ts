import { join } from "node:path";
import type { Profile } from "./profile/profile.js";
import type { Durability } from "./subject.js";
import type { FigureValues, Helpers, SizeName } from "./workload.js";

/** What a child process is to do. It travels as JSON in the child's only argument. */
export interface Task {
  /** `help` is the second process of a measurement; `ask` only finds out whether the subject can be measured. */
  readonly role: "measure" | "profile" | "seed" | "help" | "ask";
  readonly workload: string;
  readonly subject: string;
  readonly durability: Durability;
  readonly size: SizeName;
  /** Empty at first, and only this measurement's. */
  readonly folder: string;
  /** Where seeds are kept for all rounds. */
  readonly seedFolder: string;
  /** Which seed to fill. */
  readonly seed?: string;
  /** The address of the run's PostgreSQL server, where it has one. */
  readonly server?: string | undefined;
  /** What the helper is told, where the workload has several. */
  readonly helpers?: Helpers | undefined;
}

/** What a child process answers: the last line of its output, as JSON. */
export type Answer =
  | { readonly figures: FigureValues }
  | { readonly profile: Profile }
  | { readonly missing: string | null }
  | { readonly error: string };

/** Where a filled file of a format is. */
export function seedFile(seedFolder: string, format: string, name: string): string {
  return join(seedFolder, `${format}-${name}`, "store.db");
}
