import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const ROOT_URL = new URL("../../", import.meta.url);
/** The members of the two unions of codes. */
async function codesOfProtocols(): Promise<string[]> {
  const source = await readFile(new URL("protocols/errors.ts", ROOT_URL), "utf8");
  return [...source.matchAll(/^ {2}\| "([A-Z_]+)"/gm)].map(([, code = ""]) => code).sort();
}

/** The codes that begin a row of a table. */
async function codesOfGuide(file: string): Promise<string[]> {
  const text = await readFile(new URL(file, ROOT_URL), "utf8");
  return [...text.matchAll(/^\| `([A-Z]+(?:_[A-Z]+)*)` /gm)].map(([, code = ""]) => code).sort();
}

test.each(["README.md", "docs/errors.md"])("%s lists every error code once, and no other", async (file) => {
  const codes = await codesOfProtocols();
  expect(codes).toContain("CONCURRENCY_CONFLICT");
  expect(codes).toContain("STORAGE_FAILED");
  expect(await codesOfGuide(file)).toEqual(codes);
});
