import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface ModuleError {
  /** Which of the modules has it, from 0; -1 for none of them. */
  readonly module: number;
  /** What tsc prints, on one line. */
  readonly message: string;
}

/**
 * Type-checks modules as tsc does with the settings of this repository, all in one program. Of the sources that they import it
 * checks what they use of them.
 */
export function typeErrorsOf(codes: readonly string[]): ModuleError[] {
  const config = ts.readConfigFile(join(ROOT, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT);
  const modules = new Map(codes.map((code, index) => [join(ROOT, `module-${index}.mts`), `${code}\nexport {};\n`]));
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (name) => modules.has(name) || fileExists(name);
  host.readFile = (name) => modules.get(name) ?? readFile(name);
  // The options say that it is an ES module, as a user's is.
  host.getSourceFile = (name, options, ...rest) => {
    const code = modules.get(name);
    return code === undefined ? getSourceFile(name, options, ...rest) : ts.createSourceFile(name, code, options);
  };
  const names = [...modules.keys()];
  const program = ts.createProgram(names, options, host);
  const diagnostics = [
    ...[...program.getConfigFileParsingDiagnostics(), ...program.getOptionsDiagnostics()],
    ...names.flatMap((name) => ts.getPreEmitDiagnostics(program, program.getSourceFile(name))),
  ];
  return diagnostics.map(({ file, messageText }) => ({
    module: names.indexOf(file?.fileName ?? ""),
    message: ts.flattenDiagnosticMessageText(messageText, " "),
  }));
}
