import { basename, join } from "node:path";
import { buildSync } from "esbuild";

const compiled = new Map<string, string>();

/**
 * Compiles a TypeScript program of the tests into one file of JavaScript, which starts four times as fast as its sources do
 * with tsx. Each process compiles a program once.
 *
 * @returns where it is
 */
export function compiledProgram(file: string): string {
  const present = compiled.get(file);
  if (present !== undefined) return present;
  // `programs-folder.ts` makes it.
  const folder = process.env.TEST_PROGRAMS_FOLDER ?? "";
  const outfile = join(folder, `${process.pid}`, `${compiled.size}-${basename(file, ".ts")}.mjs`);
  const target = `node${process.versions.node}`;
  buildSync({
    entryPoints: [file],
    outfile,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target,
  });
  compiled.set(file, outfile);
  return outfile;
}
