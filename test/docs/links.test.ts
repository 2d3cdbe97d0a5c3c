import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const FENCED = /^```.*?^```$/gms;
const LINK = /\]\((?!https?:)([^)\s]+)(?: "[^"]*")?\)/g;

/** What an installed package does not have is named and not linked to. */
const REPOSITORY_PATH = /`((?:test|protocols|adapters|benchmarks)\/[^`\s*<]+)`/g;

async function readGuides(): Promise<Map<string, string>> {
  const docs = (await readdir(join(ROOT, "docs"), { recursive: true })).filter((name) => name.endsWith(".md"));
  const examples = (await readdir(join(ROOT, "examples"), { recursive: true })).filter((name) => name.endsWith(".md"));
  const files = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "benchmarks/README.md",
    ...docs.map((name) => `docs/${name}`),
    ...examples.map((name) => `examples/${name}`),
  ];
  const texts = await Promise.all(files.map((file) => readFile(join(ROOT, file), "utf8")));
  return new Map(files.map((file, index) => [join(ROOT, file), texts[index] ?? ""]));
}

/** The names that headings can be linked to by. */
function anchorsOf(text: string): string[] {
  const headings = [...text.replace(FENCED, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

function isBroken(guides: ReadonlyMap<string, string>, from: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? from : join(dirname(from), path);
  if (!existsSync(file)) return true;
  return anchor !== undefined && !anchorsOf(guides.get(file) ?? "").includes(anchor);
}

test("links between the guides, and from them to files, lead somewhere", async () => {
  const guides = await readGuides();
  const links = [...guides].flatMap(([file, text]) =>
    [...text.replace(FENCED, "").matchAll(LINK)].map(([, target = ""]) => ({ file, target })),
  );
  expect(links.length).toBeGreaterThan(50);
  const broken = links.filter(({ file, target }) => isBroken(guides, file, target));
  expect(broken.map(({ file, target }) => `${relative(ROOT, file)}: ${target}`)).toEqual([]);
});

test("links of what is published lead to what is published", async () => {
  const { files } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { files: readonly string[] };
  // npm packs these whatever the list says.
  const published = ["README.md", "LICENSE", "package.json", ...files].map(patternOf);
  const isPublished = (file: string) => published.some((pattern) => pattern.test(relative(ROOT, file)));
  const links = [...(await readGuides())].flatMap(([file, text]) => {
    const targets = [...text.replace(FENCED, "").matchAll(LINK)].map(([, target = ""]) => target);
    return isPublished(file) ? targets.map((target) => ({ file, target })) : [];
  });
  expect(links.length).toBeGreaterThan(50);
  const lost = links.filter(({ file, target }) => {
    const [path = ""] = target.split("#");
    return path !== "" && !isPublished(join(dirname(file), path));
  });
  expect(lost.map(({ file, target }) => `${relative(ROOT, file)}: ${target}`)).toEqual([]);
});

/** Matches what an entry of `files` packs: the files of a folder, or those that a `*` stands for. */
function patternOf(entry: string): RegExp {
  const literal = entry.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join("[^/]*")}(/|$)`);
}

test("paths of the repository that the guides name are there", async () => {
  const named = [...(await readGuides())].flatMap(([file, text]) =>
    [...text.replace(FENCED, "").matchAll(REPOSITORY_PATH)].map(([, path = ""]) => ({ file, path })),
  );
  expect(named.length).toBeGreaterThan(50);
  const missing = named.filter(({ path }) => !existsSync(join(ROOT, path)));
  expect(missing.map(({ file, path }) => `${relative(ROOT, file)}: ${path}`)).toEqual([]);
});

test("a link to a file or a heading that is not there is broken", () => {
  const file = join(ROOT, "README.md");
  const guides = new Map([[file, "# One `two`, three\n\n```ts\n# no heading\n```\n"]]);
  expect(["#one-two-three", "docs/errors.md"].filter((target) => isBroken(guides, file, target))).toEqual([]);
  const wrong = ["#two", "#no-heading", "docs/nothing.md"];
  expect(wrong.filter((target) => isBroken(guides, file, target))).toEqual(wrong);
});
