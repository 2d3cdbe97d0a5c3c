import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { failedTests } from "./test/support/failed-tests.js";
import { SlowFilesFirst } from "./test/support/slow-files-first.js";

/** What counts memory or open files, loads two copies of SQLite, or has its temporary files on the disk. */
const ALONE = [
  ...filesWithLastingEffects(),
  "test/faults/**/*.test.ts",
  "test/unit/{benchmarks,package,types,worker}/**/*.test.ts",
  "test/unit/sqlite/{limits-of-the-system,better-sqlite3-driver}.test.ts",
  "test/unit/blobs/memory.test.ts",
  "test/docs/snippets.test.ts",
];

/** They replace modules, or use what makes every `await` of their process slower until it ends. */
function filesWithLastingEffects(): string[] {
  const effects = /vi\.(doMock|mock|resetModules)\b|findMisuse/;
  const files = readdirSync("test", { recursive: true, encoding: "utf8" }).map((name) => `test/${name}`);
  return files.filter((name) => name.endsWith(".test.ts") && effects.test(readFileSync(name, "utf8")));
}

export default defineConfig({
  test: {
    projects: [
      // Loading the modules again for each file takes longer than most tests.
      { extends: true, test: { name: "shared", include: ["test/**/*.test.ts"], exclude: ALONE, isolate: false } },
      { extends: true, test: { name: "alone", include: ALONE } },
    ],
    pool: "forks",
    // Vitest would leave one core idle, which of two is half of them.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: SlowFilesFirst },
    globalSetup: ["test/support/stores-in-memory.ts", "test/support/programs-folder.ts"],
    setupFiles: "test/support/temp-files.ts",
    // Generous, because a loaded machine takes seconds to start a process. No test waits for a time to pass.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    allowOnly: false,
    reporters: ["default", failedTests],
    coverage: {
      provider: "v8",
      include: ["protocols/**/*.ts", "src/**/*.ts", "adapters/**/*.ts"],
      reporter: [["text", { skipFull: true }], "text-summary"],
      thresholds: { branches: 95, functions: 95, lines: 95, statements: 95 },
    },
  },
});
