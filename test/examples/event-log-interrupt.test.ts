import { existsSync } from "node:fs";
import { expect, test, vi } from "vitest";
import { createTempDir } from "../support/temp-dir.js";
import { makeLines, writeLog } from "./support/log-fixture.js";
import { EXAMPLE_TIMEOUT_MS, runExample, startExample } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

// Small batches, so that the import is still at work when the interruption arrives.
const LINE_COUNT = 10_000;
const BATCH = "20";
const INTERRUPTED = 130;
const START_TIMEOUT_MS = 30_000;

// A process on Windows cannot be sent what Ctrl-C sends.
test.runIf(process.platform !== "win32")(
  "an interrupted import ends in good order and is completed by the next",
  async () => {
    await using folder = await createTempDir();
    const databasePath = folder.file("log.db");
    const args = [folder.file("log.ndjson"), "--db", databasePath];
    await writeLog(folder.file("log.ndjson"), makeLines(LINE_COUNT));

    await using running = startExample("event-log/main.ts", { args: [...args, "--batch", BATCH] });
    await vi.waitFor(() => expect(existsSync(databasePath)).toBe(true), { timeout: START_TIMEOUT_MS });
    running.signal("SIGINT");
    const interrupted = await running.ended;
    expect(interrupted).toMatchObject({ exitCode: INTERRUPTED, stdout: "" });
    expect(interrupted.stderr).toContain("run it again with the same --db to complete it");

    const completed = await runExample("event-log/main.ts", { args });
    expect(completed).toMatchObject({ exitCode: 0, stderr: "" });
    expect(completed.stdout).toContain("Events     10,000 in 7 streams");
    expect(completed.stdout).toContain("Order      that of the log, across all streams");
  },
);
