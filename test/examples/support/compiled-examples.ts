import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

const EXAMPLES = fileURLToPath(new URL("../../../examples/", import.meta.url));
const LOADER_URL = new URL("load-compiled-examples.mjs", import.meta.url).href;

let folder: string | undefined;

/** Compiles each source of the examples to a file of JavaScript at the same place in another folder, once for each process. */
function compiledExamples(): string {
  if (folder !== undefined) return folder;
  // `programs-folder.ts` makes it.
  const outdir = join(process.env.TEST_PROGRAMS_FOLDER ?? "", `${process.pid}-examples`);
  buildSync({
    entryPoints: readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(EXAMPLES, file)),
    outdir,
    outbase: EXAMPLES,
    platform: "node",
    format: "esm",
    target: `node${process.versions.node}`,
  });
  folder = outdir;
  return outdir;
}

/**
 * What lets Node run an example. It starts three times as fast as with tsx, which takes every module of the package in hand.
 * Processes that an example forks inherit it.
 */
export function exampleLoader(): { readonly nodeOptions: readonly string[]; readonly env: NodeJS.ProcessEnv } {
  const script = `import { register } from "node:module"; register(${JSON.stringify(LOADER_URL)});`;
  return {
    nodeOptions: ["--import", `data:text/javascript,${encodeURIComponent(script)}`],
    env: {
      EXAMPLES_URL: pathToFileURL(EXAMPLES).href,
      COMPILED_EXAMPLES_URL: pathToFileURL(join(compiledExamples(), "/")).href,
    },
  };
}
