import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parseSQLiteOptions } from "../../adapters/sqlite/sqlite-options.js";
import * as api from "../../index.js";

const ROOT_URL = new URL("../../", import.meta.url);

/** The cells of the rows of a guide's tables. */
async function readRows(file: string): Promise<string[][]> {
  const text = await readFile(new URL(file, ROOT_URL), "utf8");
  const lines = text.split("\n").filter((line) => line.startsWith("| "));
  return lines.map((line) => line.split("|").map((cell) => cell.trim()));
}

test.each(["README.md", "docs/configuration.md"])("%s has every option with its default", async (file) => {
  const rows = await readRows(file);
  // Which driver an opening takes where none is named is decided there.
  const defaults = { ...parseSQLiteOptions(), driver: "sqlite3" };
  for (const [option, value] of Object.entries(defaults)) {
    const row = rows.find((cells) => cells[1] === `\`${option}\``);
    const shown = value === Date.now ? "Date.now" : JSON.stringify(value);
    expect(row?.[3], option).toBe(typeof value === "number" ? value.toLocaleString("en") : `\`${shown}\``);
  }
});

test("the README has the limits that the library exports", async () => {
  const limits = Object.entries(api).filter(([name]) => name.startsWith("MAX_"));
  expect(limits.length).toBeGreaterThan(5);
  const rows = await readRows("README.md");
  for (const [name, limit] of limits) {
    const cell = rows.map((cells) => cells[2] ?? "").find((text) => text.includes(`(\`${name}\`)`));
    const [, digits = "", unit] = /^([\d,]+)( MiB)?/.exec(cell ?? "") ?? [];
    expect(Number(digits.replaceAll(",", "")) * (unit === undefined ? 1 : 1024 * 1024), name).toBe(limit);
  }
});
