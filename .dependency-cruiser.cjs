/** The house's walls: imports run one way, protocols <- src <- adapters <- examples. */
module.exports = {
  forbidden: [
    {
      name: "protocols-import-nothing",
      severity: "error",
      from: { path: "^protocols/" },
      to: { pathNot: ["^protocols/", "^node_modules/rxjs"] },
    },
    {
      name: "src-imports-protocols-only",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/index\\.ts$" },
      to: { pathNot: ["^src/", "^protocols/", "^node_modules/rxjs"], dependencyTypesNot: ["core"] },
    },
    {
      name: "the-public-barrel-names-sqlite-only",
      severity: "error",
      from: { path: "^src/index\\.ts$" },
      to: { path: "^(adapters|examples|test)/", pathNot: "^adapters/sqlite/index\\.ts$" },
    },
    {
      name: "an-adapter-knows-no-other",
      severity: "error",
      from: { path: "^adapters/([^/]+)/" },
      to: { path: "^(adapters|examples|test)/", pathNot: "^adapters/$1/" },
    },
    {
      name: "only-the-sqlite-adapter-knows-its-client",
      severity: "error",
      from: { pathNot: "^(adapters/sqlite|benchmarks|test)/" },
      to: { path: "^node_modules/(sqlite3|sqlite|p-queue)(/|$)" },
    },
    {
      name: "the-conformance-suite-imports-no-runner",
      severity: "error",
      from: { path: "^test/conformance/" },
      to: {
        pathNot: ["^test/conformance/", "^src/", "^protocols/", "^node_modules/rxjs"],
        dependencyTypesNot: ["core"],
      },
    },
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
  ],
  options: {
    doNotFollow: { path: "^(node_modules|dist)" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    exclude: { path: "^dist/" },
  },
};
