import { memoryStreamFactory } from "async-streams/memory";
import type { Subject } from "../subject.js";
import { storeOverFactory } from "./library.js";

const NOTHING_IS_STORED = "in memory, nothing is stored";

/**
 * The library over its store in memory: what checking, encoding and promises cost before a database has done anything.
 * No store that has this in front of it can be faster.
 */
export const libraryMemory: Subject = {
  name: "library-memory",
  format: "memory",
  settings: { normal: NOTHING_IS_STORED, full: NOTHING_IS_STORED },
  packages: [],
  only: ["W1", "W2", "W2u", "W3"],
  whyMissing: async () => null,
  open: async () => storeOverFactory(await memoryStreamFactory()),
};
