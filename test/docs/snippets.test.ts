import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";
import { expect, test } from "vitest";
import { NodeProcess } from "../support/node-process.js";
import { createTempDir } from "../support/temp-dir.js";
import { typeErrorsOf } from "../support/type-errors.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BLOCK = /^```ts\n(.*?)^```$/gms;
const PRINTED = /^(?:for await .*\) )?console\.log\(.*\); \/\/ (.*)$/gm;

interface Snippet {
  /** The Markdown file and the line that the block begins in. */
  readonly place: string;
  readonly code: string;
}

async function snippetsOf(file: string): Promise<Snippet[]> {
  const text = await readFile(join(ROOT, file), "utf8");
  return [...text.matchAll(BLOCK)].map((match) => ({
    place: `${file}:${text.slice(0, match.index).split("\n").length}`,
    code: match[1] ?? "",
  }));
}

async function readSnippets(): Promise<Snippet[]> {
  const guides = (await readdir(join(ROOT, "docs"))).filter((name) => name.endsWith(".md"));
  // The guide to adapters shows parts of files, which are held to those files by a test of their own.
  const files = [
    "README.md",
    ...guides.filter((name) => name !== "writing-an-adapter.md").map((name) => `docs/${name}`),
  ];
  return (await Promise.all(files.map(snippetsOf))).flat();
}

/** Type-checks each snippet as a module of its own. */
function diagnose(snippets: readonly Snippet[]): string[] {
  const modules = snippets.map(({ code }) => code);
  return typeErrorsOf(modules).map(({ module, message }) => `${snippets[module]?.place ?? "the program"}: ${message}`);
}

// All of them are one program, which a busy machine takes long to check.
const TIMEOUT_MS = 240_000;

test("every TypeScript block of the README and the guides type-checks against the package", {
  timeout: TIMEOUT_MS,
}, async () => {
  const snippets = await readSnippets();
  expect(snippets.length).toBeGreaterThan(10);
  // One more, to see that a block that does not fit is found, by file and line.
  const code = 'import { sqliteStreamFactory } from "async-streams";\nawait sqliteStreamFactory(1);\n';
  // Only an ES module has this, as a user's are.
  snippets.push({ place: "module", code: "console.log(import.meta.url);" });
  expect(diagnose([...snippets, { place: "guide.md:3", code }])).toEqual([
    expect.stringMatching(/^guide\.md:3: .*number/),
  ]);
});

/** Runs a snippet in a folder of its own, against the built package. @returns the lines that it prints */
async function run({ code }: Snippet): Promise<string[]> {
  await using folder = await createTempDir();
  await mkdir(folder.file("node_modules"));
  await symlink(ROOT, folder.file("node_modules/async-streams"), "junction");
  const compiled = await transform(code, { loader: "ts", format: "esm", target: `node${process.versions.node}` });
  await writeFile(folder.file("snippet.mjs"), compiled.code);
  const { exitCode, stdout, stderr } = await new NodeProcess(folder.file("snippet.mjs"), { cwd: folder.path }).ended;
  expect(exitCode, stderr).toBe(0);
  return stdout.trimEnd().split("\n");
}

test("a block prints what its comments say", async () => {
  const printed = (await readSnippets()).map((snippet) => ({
    snippet,
    lines: [...snippet.code.matchAll(PRINTED)].map(([, line]) => line),
  }));
  const programs = printed.filter(({ lines }) => lines.length > 0);
  expect(programs.length).toBeGreaterThan(4);
  for (const { snippet, lines } of programs) expect(await run(snippet), snippet.place).toEqual(lines);
});
