import type { StreamFactory } from "async-streams";
import type { WorkloadContext } from "../workload.js";

/** The loop that everybody is compared with, and the same over the library's default driver. */
export const FLOORS: readonly string[] = ["floor", "sqlite3-loop"];

/** For what only the library does. */
export const LIBRARY_SUBJECTS: readonly string[] = ["library", "library-better", "library-node"];

/** Those that store on a PostgreSQL server. */
export const POSTGRES_SUBJECTS: readonly string[] = ["floor-postgres", "library-postgres", "emmett-postgresql"];

/** The library as its users have it. */
export const SUBJECTS_WITH_GOALS: readonly string[] = [...LIBRARY_SUBJECTS, "library-postgres"];

/** Those that can tell of what is appended. */
export const WATCHING_SUBJECTS: readonly string[] = [...LIBRARY_SUBJECTS, "emmett-sqlite", "act-sqlite"];

export const FLOOR_AND_LIBRARY: readonly string[] = ["floor", ...LIBRARY_SUBJECTS];

export async function openFactory({ subject, durability }: WorkloadContext, path: string): Promise<StreamFactory> {
  const { factory } = await subject.open(path, durability);
  if (factory === undefined) throw new Error(`${subject.name} is not the library`);
  return factory;
}
