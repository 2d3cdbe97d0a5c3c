import { defineConfig } from "vitest/config";
import everything from "./vitest.config.js";

const { projects: _, ...inOneProject } = everything.test ?? {};

/**
 * `npm run test:quick`: the unit tests of the core and of the store in a file, over one driver. Left out is what takes
 * long and seldom fails with a change elsewhere.
 */
export default defineConfig({
  test: {
    ...inOneProject,
    include: ["test/unit/**/*.test.ts"],
    // What is tested here leaves nothing behind in its process, and loading it again for each file takes longer than most tests.
    isolate: false,
    exclude: [
      // They build, compile, or test the conformance suite itself.
      "test/unit/{benchmarks,package,types}/**",
      "test/unit/{conformance-bites,blobs/conformance-bites,view/conformance}.test.ts",
      // Other drivers and other places.
      "test/unit/adapters/{better-sqlite3,node-sqlite,sqlite-in-memory,postgres}.test.ts",
      "test/unit/postgres/**",
      "test/unit/sqlite/{better-sqlite3-driver,file-claims}.test.ts",
      // They make every `await` of their process slower until it ends.
      "test/unit/{transaction/misuse,migrations/migrate,privacy/forgetting}.test.ts",
      // They put other modules in the place of the library's, and need a process of their own.
      "test/unit/{little-memory,sqlite/driver-loading}.test.ts",
      // Processes, threads, locks that are held, and large amounts.
      "test/unit/sqlite/{processes,administration,threads,limits-of-the-system,shared-locks,lock-waits,after-a-lock}.test.ts",
      "test/unit/administration/other-processes.test.ts",
      "test/unit/migrations/processes.test.ts",
      "test/unit/blobs/{s3*,sqlite-blobs-conformance,memory,file-faults,file-blobs}.test.ts",
      "test/unit/worker/{conformance,threads}.test.ts",
      "test/unit/sqlite/{log-size,forgetting,large-events,indexes}.test.ts",
      "test/unit/{like-pattern,snapshot-retention,waiting-writes,leases/shared-renewals,sqlite/consumer-reads,sqlite/idle-leases}.test.ts",
      // Hundreds of generated cases, of which the conformance suite has the ones that matter most.
      "test/unit/property/**",
      // Files that are damaged, moved or copied.
      "test/unit/sqlite/{damaged-*,verify*,backup*,administration-{backup,verify},checksums,foreign-objects,hard-links,older-copy,replaced-files}.test.ts",
    ],
    env: { SQLITE_DRIVER: "sqlite3", POSTGRES_BIN: "" },
    reporters: ["dot"],
  },
});
