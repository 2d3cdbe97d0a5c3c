import { fork } from "node:child_process";
import { once } from "node:events";
import { expect, test, vi } from "vitest";
import { createDbContext } from "../../../examples/flowforge/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { childProgram } from "./support/compiled-child-program.js";

vi.mock("../../../examples/flowforge/child-program.js", () => import("./support/compiled-child-program.js"));

test("a query process ends whose main process ends while it starts", async () => {
  await using folder = await createTempDir();
  const path = folder.file("flowforge.db");
  await (await createDbContext({ path, backend: "sqlite" })).close();
  const settings = { path, limits: { rows: 10, bytes: 1_000, timeMs: 1_000 }, maxMemoryBytes: 100_000_000 };
  const { file, execArgv } = childProgram("sqlite/query-process");
  const child = fork(file, [JSON.stringify(settings)], { execArgv, serialization: "advanced", killSignal: "SIGKILL" });
  try {
    const ended = once(child, "exit");
    child.disconnect();
    expect(await ended).toEqual([0, null]);
  } finally {
    child.kill();
  }
});
