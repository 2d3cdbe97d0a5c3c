import { defineConfig } from "vitest/config";
import everything from "./vitest.config.js";

/**
 * `npm run test:quick`: the unit tests of the core and of the store in a file, over one driver. Left out is what takes
 * long and seldom fails with a change elsewhere.
 */
export default defineConfig({
  test: {
    ...everything.test,
    include: ["test/unit/**/*.test.ts"],
    exclude: [
      // They build, compile, or test the conformance suite itself.
      "test/unit/{benchmarks,package,types}/**",
      "test/unit/conformance-bites.test.ts",
      // Other drivers and other places.
      "test/unit/adapters/{better-sqlite3,node-sqlite,sqlite-in-memory}.test.ts",
      "test/unit/sqlite/{better-sqlite3-driver,file-claims}.test.ts",
      // Processes, threads, locks that are held, and large amounts.
      "test/unit/sqlite/{processes,threads,limits-of-the-system,shared-locks,lock-waits,after-a-lock}.test.ts",
      "test/unit/sqlite/{log-size,forgetting,large-events}.test.ts",
      "test/unit/{like-pattern,snapshot-retention,waiting-writes}.test.ts",
      // Files that are damaged, moved or copied.
      "test/unit/sqlite/{damaged-*,verify*,backup*,checksums,foreign-objects,hard-links,older-copy,replaced-files}.test.ts",
    ],
    env: { SQLITE_DRIVER: "sqlite3" },
    reporters: ["dot"],
  },
});
