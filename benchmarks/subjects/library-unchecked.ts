import { type SQLiteOptions, sqliteStreamFactory } from "async-streams";
import type { Subject } from "../subject.js";
import { library, libraryBetter, storeOverFactory } from "./library.js";

/** The library without checksums: what these cost. */
export const libraryUnchecked = unchecked(library, {});

/** The same over its other driver. */
export const libraryBetterUnchecked = unchecked(libraryBetter, { driver: "better-sqlite3" });

function unchecked({ name, format, settings, packages, whyMissing }: Subject, options: SQLiteOptions): Subject {
  return {
    name: `${name}-unchecked`,
    format,
    settings,
    packages,
    only: ["W1", "W2", "W2u", "W3"],
    isOnRequest: true,
    whyMissing,
    open: async (path, durability) =>
      storeOverFactory(await sqliteStreamFactory(path, { ...options, durability, checksums: false })),
  };
}
