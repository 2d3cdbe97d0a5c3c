import { ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { expect, onTestFinished, test, vi } from "vitest";
import { createDbContext } from "../../../examples/flowforge/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { childProgram } from "./support/compiled-child-program.js";

vi.mock("../../../examples/flowforge/child-program.js", () => import("./support/compiled-child-program.js"));

/** Requests that a query process answers while a statement begins. */
const ROUNDS = 200;

test("a query whose process is killed says so, and the next one has a new process", async () => {
  await using folder = await createTempDir();
  const db = await createDbContext({ path: folder.file("flowforge.db"), windowQueryLimits: { timeMs: 60_000 } });
  const started = vi.spyOn(ChildProcess.prototype, "ref");
  onTestFinished(() => started.mockRestore());
  await db.windowQueries.query({ sql: "SELECT 1" });
  const endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
  const query = db.windowQueries.query({ sql: endless }).catch((error) => error);
  await expect.poll(() => started.mock.contexts.length).toBe(2);
  (started.mock.contexts[1] as ChildProcess).kill("SIGKILL");
  expect(await query).toMatchObject({ code: "INTERNAL", message: expect.stringContaining("was ended") });
  expect(await db.windowQueries.query({ sql: "SELECT 2 AS two" })).toEqual([{ two: 2 }]);
  await db.close();
});

/** A query process with nothing but its channel. */
async function forkQueryProcess() {
  const folder = await createTempDir();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const path = folder.file("flowforge.db");
  await (await createDbContext({ path, backend: "sqlite" })).close();
  const settings = { path, limits: { rows: 10, bytes: 1_000, timeMs: 1_000 }, maxMemoryBytes: 100_000_000 };
  const { file, execArgv } = childProgram("sqlite/query-process");
  const child = fork(file, [JSON.stringify(settings)], { execArgv, serialization: "advanced", killSignal: "SIGKILL" });
  onTestFinished(() => void child.kill());
  return child;
}

test("a query process ends whose main process ends while it starts", async () => {
  const child = await forkQueryProcess();
  const ended = once(child, "exit");
  child.disconnect();
  expect(await ended).toEqual([null, "SIGKILL"]);
});

test("a query process ends whose main process ends during a statement that cannot be interrupted", async () => {
  const child = await forkQueryProcess();
  await once(child, "message");
  child.send({ id: 0, sql: "SELECT 1" });
  await once(child, "message");
  // One function of SQL, which takes hours. It runs long before the others, which are refused at once, have all been answered.
  child.send({ id: 1, sql: "SELECT instr(hex(zeroblob(5000000)), hex(zeroblob(2400000)) || '1')" });
  for (let id = 2; id <= ROUNDS; id += 1) {
    child.send({ id, sql: "DELETE FROM runs" });
    const [answer] = await once(child, "message");
    expect(answer).toMatchObject({ id });
  }
  const ended = once(child, "exit");
  child.disconnect();
  expect(await ended).toEqual([null, "SIGKILL"]);
});
