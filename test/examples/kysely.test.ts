import { expect, test, vi } from "vitest";
import { DRIVER_NAMES } from "../support/sqlite-drivers.js";
import { EXAMPLE_TIMEOUT_MS, runExample } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

test.each(DRIVER_NAMES)("Kysely changes and reads tables over %s, inside a transaction and outside", async (driver) => {
  const { exitCode, stdout, stderr } = await runExample("kysely/main.ts", { args: [driver] });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n")).toEqual([
    "apples: one more delivery",
    "apples: 7 pieces",
    '[{"product":"apples","pieces":7},{"product":"pears","pieces":5}]',
    "Outside a transaction nothing is deleted: true",
    "",
  ]);
});
