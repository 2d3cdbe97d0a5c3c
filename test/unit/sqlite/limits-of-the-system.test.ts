import { spawnSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const FIXTURE = fileURLToPath(new URL("fixtures/out-of-descriptors.ts", import.meta.url));
const APPENDER = fileURLToPath(new URL("fixtures/appender.ts", import.meta.url));
const MAX_DESCRIPTORS = 200;

/** Node's permission model, which refuses some calls of the file system to those who may read and write all files. */
const RESTRICTED = [
  process.allowedNodeEnvironmentFlags.has("--permission") ? "--permission" : "--experimental-permission",
  "--allow-addons",
  "--allow-fs-read=*",
  "--allow-fs-write=*",
];

describe.skipIf(process.platform === "win32").each(DRIVER_NAMES)("over %s", (driver) => {
  test("a call that needs a file descriptor, where none is left, says so, and succeeds once some are closed", async () => {
    await using folder = await createTempDir();
    const command = `ulimit -n ${MAX_DESCRIPTORS}; exec "$0" "$@"`;
    const { stdout, stderr } = spawnSync(
      "sh",
      ["-c", command, process.execPath, compiledProgram(FIXTURE), folder.file("a.db"), driver],
      {
        encoding: "utf8",
      },
    );
    expect(stderr).toBe("");
    const { without, after } = JSON.parse(stdout);
    const refused = expect.stringMatching(/^STORAGE_TOO_MANY_FILES: .*no file descriptor is left/);
    expect(without).toEqual({ reads: ["ok", refused], opening: refused, write: "ok" });
    expect(after).toEqual({ reads: ["ok", "ok"], write: "ok" });
  });

  test("a store is opened and written under Node's permission model", async () => {
    await using folder = await createTempDir();
    const args = [folder.file("a.db"), "a", 2, "any", driver];
    await using appender = new NodeProcess(compiledProgram(APPENDER), { args, nodeOptions: RESTRICTED });
    expect(await appender.ended).toMatchObject({ exitCode: 0, stdout: "1\n2\n" });
  });

  test("a name that is too long for the files beside it is refused by its length", async () => {
    await using folder = await createTempDir();
    for (const length of [247, 256]) {
      await expect(sqliteStreamFactory(folder.file("n".repeat(length)), { driver })).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "path",
        message: expect.stringContaining(`its name has ${length + 9} bytes`),
      });
    }
    expect(await readdir(folder.path)).toEqual([]);
    await using streams = await sqliteStreamFactory(folder.file("n".repeat(246)), { driver });
    expect(await (await streams.openStream("a")).write({ type: "A", data: 1 })).toMatchObject({ version: 1 });
  });
});
