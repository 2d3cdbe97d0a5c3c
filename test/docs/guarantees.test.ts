import { execFileSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { createTempDir } from "../support/temp-dir.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

function render(...options: string[]): void {
  execFileSync(process.execPath, ["scripts/guarantees.mjs", ...options], { cwd: ROOT });
}

test("the guarantees name every fault test, and have the figures of the last soak run", async () => {
  const guide = await readFile(`${ROOT}docs/guarantees.md`, "utf8");
  const names = await readdir(`${ROOT}test/faults`, { recursive: true });
  // The examples promise nothing to users of the library.
  const files = names.filter((name) => name.endsWith(".test.ts") && !name.startsWith("examples/"));
  expect(files.length).toBeGreaterThan(10);
  expect(
    files.filter((name) => !guide.includes(`\`test/faults/${name}\``)),
    "add a row to docs/guarantees.md for each of these, and run: node scripts/guarantees.mjs",
  ).toEqual([]);
  render("--check");
});

const GUIDE = `Before.

<!-- guarantees: begin -->
| promise | proved by | last soak run |
| --- | --- | --- |
| one | R1: \`r01.test.ts\` | an old figure |
| two | R3: \`r03.test.ts\` "full" | |
| three | R3: \`r03.test.ts\` | |
| four | R1: \`r01.test.ts\`, others: \`others.test.ts\` | |
<!-- guarantees: end -->

After.
`;

const RENDERED = `Before.

<!-- guarantees: begin -->

The last column is from \`npm run soak -- --minutes 1\` on Node v20, linux.

| promise | proved by                                   | last soak run                                    |
| ------- | ------------------------------------------- | ------------------------------------------------ |
| one     | R1: \`r01.test.ts\`                           | rounds 2, kills 1,200                            |
| two     | R3: \`r03.test.ts\` "full"                    | rounds 3                                         |
| three   | R3: \`r03.test.ts\`                           | a cut under full: rounds 3; a torn one: rounds 4 |
| four    | R1: \`r01.test.ts\`, others: \`others.test.ts\` | R1: above                                        |

<!-- guarantees: end -->

After.
`;

test("the figures stand in the first row that names their test, and everything else stays", async () => {
  await using folder = await createTempDir();
  const guide = folder.file("guide.md");
  const results = folder.file("results.json");
  const named = (name: string, figures: object) => ({ name, seeds: [1], figures });
  const tests = [
    named("R1 a kill", { rounds: 2, kills: 1_200 }),
    named("R3 a cut under full", { rounds: 3 }),
    named("R3 a torn one", { rounds: 4 }),
    named("R10 another", { rounds: 5 }),
  ];
  const machine = { node: "v20", platform: "linux" };
  await writeFile(results, JSON.stringify({ command: "npm run soak -- --minutes 1", machine, tests }));
  await writeFile(guide, GUIDE);
  const options = ["--guide", guide, "--results", results];

  render(...options);
  expect(await readFile(guide, "utf8")).toBe(RENDERED);
  render(...options, "--check");
  await writeFile(guide, GUIDE);
  expect(() => render(...options, "--check")).toThrow("not up to date");
});
