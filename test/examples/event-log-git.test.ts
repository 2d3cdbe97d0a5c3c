import { execFileSync, spawnSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sqliteStreamFactory } from "async-streams";
import { expect, test, vi } from "vitest";
import type { ProcessEnd } from "../support/node-process.js";
import { createTempDir } from "../support/temp-dir.js";
import { EXAMPLE_TIMEOUT_MS, runExample } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

const HAS_GIT = spawnSync("git", ["--version"]).status === 0;

function runIn(cwd: string, ...args: string[]): Promise<ProcessEnd> {
  // No repository further up, and no settings of whoever runs the tests.
  return runExample("event-log/main.ts", { args, cwd, env: { GIT_CEILING_DIRECTORIES: join(cwd, "..") } });
}

function git(cwd: string, ...args: string[]): void {
  const settings = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgSign=false"];
  const env = { ...process.env, GIT_CONFIG_GLOBAL: "", GIT_CONFIG_NOSYSTEM: "1" };
  execFileSync("git", [...settings, ...args], { cwd, env, stdio: "pipe" });
}

async function commit(
  repository: string,
  files: Readonly<Record<string, string | null>>,
  subject: string,
): Promise<void> {
  for (const [file, content] of Object.entries(files)) {
    if (content === null) await rm(join(repository, file));
    else await writeFile(join(repository, file), content);
  }
  git(repository, "add", "--all");
  git(repository, "commit", "--quiet", "--allow-empty", "--message", subject);
}

function expectNoGit({ exitCode, stdout, stderr }: ProcessEnd): void {
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain("Cannot run git");
  expect(stderr).toContain("Install it, or name a log file");
}

test("turns the history of a repository into a stream for each file", async () => {
  await using folder = await createTempDir();
  const repository = folder.path;
  if (!HAS_GIT) return expectNoGit(await runIn(repository));
  await using elsewhere = await createTempDir();
  const databasePath = elsewhere.file("history.db");
  git(repository, "init", "--quiet");
  await commit(repository, { "a b.txt": "1", "@types.ts": "1" }, "Begin");
  await commit(repository, {}, "Nothing");
  await commit(repository, { "a b.txt": "2", "ü.txt": "1" }, "Go on");
  await commit(repository, { "a b.txt": null }, "Clean up");

  const first = await runIn(repository, "--db", databasePath);
  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(first.stdout).toContain("Events     5 in 3 streams");
  expect(first.stdout).toContain("Longest    a b.txt: 3 events");
  expect(first.stdout).toMatch(/ 3 {2}FileAdded\n +1 {2}FileDeleted\n +1 {2}FileModified$/m);

  await commit(repository, { "ü.txt": "2" }, "One more");
  const second = await runIn(repository, "--db", databasePath);
  expect(second.exitCode).toBe(0);
  expect(second.stdout).toMatch(/^Written {4}1 new, 5 stored before, /m);

  await using streams = await sqliteStreamFactory(databasePath);
  await using stream = await streams.openStream<{ type: string; data: { subject: string } }>("a b.txt");
  const events: unknown[] = [];
  for await (const { type, data, metadata } of stream.read()) events.push([type, data.subject, metadata?.resource]);
  expect(events).toEqual([
    ["FileAdded", "Begin", "Ann"],
    ["FileModified", "Go on", "Ann"],
    ["FileDeleted", "Clean up", "Ann"],
  ]);
});

test("says that a repository has no commits yet", async () => {
  await using folder = await createTempDir();
  const repository = folder.path;
  if (!HAS_GIT) return expectNoGit(await runIn(repository));
  git(repository, "init", "--quiet");
  const { exitCode, stderr } = await runIn(repository);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("does not have any commits yet");
});

test("says that there is no repository", async () => {
  await using folder = await createTempDir();
  const run = await runIn(folder.path);
  if (!HAS_GIT) return expectNoGit(run);
  expect(run).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining("not a git repository") });
});

test("says that there is no git", async () => {
  await using folder = await createTempDir();
  expectNoGit(await runExample("event-log/main.ts", { cwd: folder.path, env: { PATH: "", Path: "" } }));
});
