import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const ROOT_URL = new URL("../../", import.meta.url);
const EXCERPT = /^`((?:examples|test)\/[^`]+)`:\n```ts\n(.*?)^```$/gms;

function readRepositoryFile(path: string): Promise<string> {
  return readFile(new URL(path, ROOT_URL), "utf8");
}

test("the code in the guide to adapters is that of the example", async () => {
  const guide = await readRepositoryFile("docs/writing-an-adapter.md");
  const excerpts = [...guide.matchAll(EXCERPT)];
  expect(excerpts.length).toBeGreaterThan(5);
  for (const [, path = "", code = ""] of excerpts) {
    expect(await readRepositoryFile(path), `an excerpt in the guide is not in ${path}`).toContain(code);
  }
});
