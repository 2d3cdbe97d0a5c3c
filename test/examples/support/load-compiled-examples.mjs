// Hooks that load the sources of the examples from where `compiled-examples.ts` has compiled them. A module keeps the address
// of its source, so that it finds the package as it was built, and the files beside it.
import { readFile } from "node:fs/promises";

const { EXAMPLES_URL: sources, COMPILED_EXAMPLES_URL: compiled } = process.env;

export function resolve(specifier, context, next) {
  const isOfExamples = specifier.startsWith(".") && context.parentURL?.startsWith(sources);
  return next(isOfExamples ? specifier.replace(/\.js$/, ".ts") : specifier, context);
}

export async function load(url, context, next) {
  if (!url.startsWith(sources) || !url.endsWith(".ts")) return next(url, context);
  const file = new URL(url.slice(sources.length).replace(/\.ts$/, ".js"), compiled);
  return { format: "module", shortCircuit: true, source: await readFile(file) };
}
