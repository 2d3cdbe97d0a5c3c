import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    testTimeout: 60_000,
    coverage: {
      provider: "v8",
      include: ["protocols/**/*.ts", "src/**/*.ts", "adapters/**/*.ts"],
      reporter: ["text-summary"],
      thresholds: { branches: 95, functions: 95, lines: 95, statements: 95 },
    },
  },
});
