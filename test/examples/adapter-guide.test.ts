import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const ROOT_URL = new URL("../../", import.meta.url);
const EXCERPT = /^`((?:examples|test)\/[^`]+)`:\n+```ts\n(.*?)^```$/gms;

function readRepositoryFile(path: string): Promise<string> {
  return readFile(new URL(path, ROOT_URL), "utf8");
}

/** An excerpt stands further to the left than in its file, so that lines may break elsewhere. */
function withoutLayout(code: string): string {
  return code.replace(/\s+/g, "").replace(/,([)\]}])/g, "$1");
}

test("the code in the guide to adapters is that of the example", async () => {
  const guide = await readRepositoryFile("docs/writing-an-adapter.md");
  const excerpts = [...guide.matchAll(EXCERPT)];
  expect(excerpts.length).toBeGreaterThan(10);
  for (const [, path = "", code = ""] of excerpts) {
    const file = withoutLayout(await readRepositoryFile(path));
    expect(file.includes(withoutLayout(code)), `this excerpt in the guide is not in ${path}:\n${code}`).toBe(true);
  }
});
