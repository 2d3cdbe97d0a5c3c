import { writeFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { createTempDir } from "../../support/temp-dir.js";
import { EXAMPLE_TIMEOUT_MS, runExample } from "../support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

test("a drawing is drawn, closed, opened, changed, undone and written, and every byte is as it was", async () => {
  const { exitCode, stdout, stderr } = await runExample("wiretuner/main.ts");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("Wrote      the document as SVG: every byte as it was read");
  expect(stdout).toMatch(/for 2 s: 200 reports, 4[01] events/);
  expect(stdout).toMatch(/Snapshot .* \d+ bytes, \d+\.\d:1 \(seed: 10:1\)/);
  expect(stdout).toMatch(/Event +[1-4]\d\d bytes \(seed: 100 to 500\)/);
  expect(stdout).toContain("Checked    12 of 12 lines of the checklist hold");
});

test("a temporary folder that cannot be made is said in a line", async () => {
  await using folder = await createTempDir();
  await writeFile(folder.file("file"), "");
  const { exitCode, stdout, stderr } = await runExample("wiretuner/main.ts", { env: { TMPDIR: folder.file("file") } });
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toMatch(/^Cannot make a temporary folder: .+\n$/);
});
