import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

/** Runs a module in a process of its own, in the folder of the package. @returns the JSON that it prints */
async function runModule(script: string): Promise<unknown> {
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], { cwd: ROOT });
  return JSON.parse(stdout);
}

const NATIVE_LIBRARIES = 'process.report.getReport().sharedObjects.filter((name) => name.endsWith(".node"))';

const ENTRIES = [
  "async-streams",
  "async-streams/protocols",
  "async-streams/adapter",
  "async-streams/memory",
  "async-streams/sqlite",
  "async-streams/migrations",
  "async-streams/consumers",
  "async-streams/events",
  "async-streams/projections",
  "async-streams/blobs",
  "async-streams/commands",
  "async-streams/testing",
  "async-streams/privacy",
  "async-streams/copy",
  "async-streams/worker",
  "async-streams/conformance",
];

test("importing an entry of the package loads no native driver", async () => {
  // A library that is loaded stays so: the first entry that has one is the one that loads it.
  const loaded = await runModule(`
    const loaded = {};
    for (const entry of ${JSON.stringify(ENTRIES)}) {
      await import(entry);
      loaded[entry] = ${NATIVE_LIBRARIES};
    }
    console.log(JSON.stringify(loaded));
  `);
  expect(loaded).toEqual(Object.fromEntries(ENTRIES.map((entry) => [entry, []])));
});

test("CommonJS can require the package on a Node that loads ESM that way", async () => {
  const script = 'console.log(typeof require("async-streams").sqliteStreamFactory)';
  const { stdout } = await run(process.execPath, ["--no-warnings", "--eval", script], { cwd: ROOT });
  expect(stdout).toBe("function\n");
});

test.each([
  ["sqlite3", /node_sqlite3\.node$/],
  ["better-sqlite3", /better_sqlite3\.node$/],
])("opening a SQLite store through %s loads it and no other", async (driver, library) => {
  const loaded = await runModule(`
    const { sqliteStreamFactory } = await import("async-streams");
    await (await sqliteStreamFactory(":memory:", { driver: "${driver}" }))[Symbol.asyncDispose]();
    console.log(JSON.stringify(${NATIVE_LIBRARIES}));
  `);
  expect(loaded).toEqual([expect.stringMatching(library)]);
});

/** What opening a store fails with where packages are not installed. */
async function failureWithout(packages: readonly string[], options: string): Promise<unknown> {
  const hook = `export const resolve = async (name, context, next) => {
    if (${JSON.stringify(packages)}.includes(name)) throw Object.assign(new Error("not there"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(name, context);
  };`;
  const script = `
    import { register } from "node:module";
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
    process.getBuiltinModule = () => undefined;
    const { sqliteStreamFactory } = await import("async-streams");
    const error = await sqliteStreamFactory(":memory:", ${options}).catch((error) => error);
    console.log(JSON.stringify({ code: error.code, message: error.message }));
  `;
  return runModule(script);
}

test.each([
  ["better-sqlite3", "npm install better-sqlite3"],
  ["sqlite3", "npm install sqlite3 sqlite"],
])(
  "the driver %s, where it is not installed, is refused with the command that installs it",
  async (driver, command) => {
    expect(await failureWithout([driver], JSON.stringify({ driver }))).toEqual({
      code: "STORAGE_DRIVER_UNSUPPORTED",
      message: expect.stringContaining(command),
    });
  },
);

test.each([["sqlite3"], ["sqlite"]])(
  "without %s and without node:sqlite, opening a store says what to install",
  async (missing) => {
    expect(await failureWithout([missing], "{}")).toEqual({
      code: "STORAGE_DRIVER_UNSUPPORTED",
      message: expect.stringMatching(/"sqlite3" is not installed.+npm install sqlite3 sqlite.+Node 22\.22\.3/),
    });
  },
);

test("without aws4fetch, blobs are found in other stores, and S3 says what to install", async () => {
  const hook = `export const resolve = async (name, context, next) => {
    if (name === "aws4fetch") throw Object.assign(new Error("not there"), { code: "ERR_MODULE_NOT_FOUND" });
    return next(name, context);
  };`;
  const script = `
    import { register } from "node:module";
    register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)});
    const { fileBlobs, s3Blobs } = await import("async-streams/blobs");
    const credentials = { accessKeyId: "a", secretAccessKey: "s" };
    const blobs = s3Blobs({ endpoint: "http://127.0.0.1:1", bucket: "b", credentials });
    const { code, message } = await blobs.get("k").catch((error) => error);
    console.log(JSON.stringify({ code, message, found: await fileBlobs("no such folder").get("k") }));
  `;

  expect(await runModule(script)).toEqual({
    code: "STORAGE_DRIVER_UNSUPPORTED",
    message: expect.stringMatching(/^Cannot get blob "k" in .*npm install aws4fetch/),
    found: null,
  });
});

test("the published types name no driver's package, which need not be installed", async () => {
  const files = await readdir(`${ROOT}dist/adapters`, { recursive: true });
  const types = files.filter((file) => file.endsWith(".d.ts"));
  expect(types.length).toBeGreaterThan(10);
  for (const file of types) {
    expect(await readFile(`${ROOT}dist/adapters/${file}`, "utf8"), file).not.toMatch(
      /(from |import\()"(sqlite3|sqlite|better-sqlite3)"/,
    );
  }
});

async function exportsOf(entry: string): Promise<string[]> {
  return (await runModule(`console.log(JSON.stringify(Object.keys(await import("${entry}"))))`)) as string[];
}

test("the root exports the factories, the errors and what adapters are built of", async () => {
  expect(await exportsOf("async-streams")).toEqual(
    expect.arrayContaining([
      "ALL_STREAM",
      "ConcurrencyError",
      "IdempotencyConflictError",
      "InvalidArgumentError",
      "InvalidEventError",
      "InvalidFilterError",
      "ReadOnlyStreamError",
      "StorageError",
      "StreamClosedError",
      "StreamError",
      "createStreamFactory",
      "decideAppend",
      "decodeEvent",
      "isStreamError",
      "matchesFilter",
      "sqliteStreamFactory",
    ]),
  );
});

test("the entry of SQLite exports the factory of the root", async () => {
  expect(await exportsOf("async-streams/sqlite")).toEqual(["sqliteStreamFactory"]);
  const isSame = await runModule(`
    const [root, sqlite] = await Promise.all([import("async-streams"), import("async-streams/sqlite")]);
    console.log(root.sqliteStreamFactory === sqlite.sqliteStreamFactory);
  `);
  expect(isSame).toBe(true);
});

/** The paths of all files that are published. */
let packedFiles: readonly string[];

beforeAll(async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: ROOT });
  const [{ files }] = JSON.parse(stdout) as [{ files: readonly { path: string }[] }];
  packedFiles = files.map(({ path }) => path);
});

test("every link of the README leads to a file of the package", async () => {
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  const targets = [...readme.matchAll(/\]\((?!https?:|#)([^)\s#]+)/g)].map(([, target = ""]) => target);
  expect(targets.length).toBeGreaterThan(10);
  expect(targets.filter((target) => !packedFiles.some((file) => file === target || file.startsWith(target)))).toEqual(
    [],
  );
});

test("the entry for adapters exports what they are built of", async () => {
  expect((await exportsOf("async-streams/adapter")).sort()).toEqual([
    "Lifetime",
    "Listeners",
    "PendingWork",
    "appendInTransaction",
    "appendTogether",
    "compileFilter",
    "createStreamFactory",
    "decideAppend",
    "decideUnit",
    "decodeEvent",
    "matchesFilter",
    "recordConflict",
    "streamDeleted",
  ]);
});

test("the package holds what its users need and nothing else", async () => {
  const wanted =
    /^(docs\/.+\.(md|svg)|examples\/.+(?<!\.db(-.+)?)|dist\/(index|blobs|copy|postgres|privacy|projections|sqlite-entry|testing)\.(js|d\.ts)|dist\/(protocols|src|adapters|test\/conformance)\/.+\.(js|d\.ts)|README\.md|CHANGELOG\.md|LICENSE|package\.json)$/;
  expect(packedFiles.filter((path) => !wanted.test(path))).toEqual([]);
  expect(packedFiles).toEqual(expect.arrayContaining(["README.md", "LICENSE", "dist/index.d.ts"]));
});
