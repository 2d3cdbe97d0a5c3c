import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { failedTests } from "./test/support/failed-tests.js";
import { SlowFilesFirst } from "./test/support/slow-files-first.js";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Tests kill processes, load a native driver and count open files: each file gets a process of its own.
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
