import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const TIMEOUT_MS = 240_000;

/** What tsc prints of a program that imports every entry as published, and checks all types that it gets to. */
async function errorsWith(lib: readonly string[]): Promise<string[]> {
  const { exports } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { exports: object };
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith(".json"));
  expect(entries).toContain("./privacy");
  const imports = entries.map(
    (entry, index) => `export * as entry${index} from "${entry.replace(".", "async-streams")}";`,
  );
  const name = join(ROOT, "every-entry.mts");
  const settings = {
    lib: [...lib],
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    noEmit: true,
    types: [],
  };
  const host = ts.createCompilerHost(settings);
  const { fileExists, getSourceFile } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.getSourceFile = (file, ...rest) =>
    file === name
      ? ts.createSourceFile(file, imports.join("\n"), ts.ScriptTarget.ES2022)
      : getSourceFile(file, ...rest);
  const program = ts.createProgram([name], settings, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
  });
}

test("the published types need `esnext.disposable` and those of a browser, and no @types/node", {
  timeout: TIMEOUT_MS,
}, async () => {
  expect(await errorsWith(["lib.es2022.d.ts", "lib.dom.d.ts", "lib.esnext.disposable.d.ts"])).toEqual([]);
});
