import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { makeLines, writeLog } from "./support/log-fixture.js";
import { EXAMPLE_TIMEOUT_MS, runExample } from "./support/run-example.js";
import { makeTempFolder } from "./support/temp-folder.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

// Small batches, so that the import is still at work when the interruption arrives.
const LINE_COUNT = 20_000;
const BATCH = "20";
const INTERRUPTED = 130;
const START_TIMEOUT_MS = 30_000;

// A process on Windows cannot be sent what Ctrl-C sends.
test.runIf(process.platform !== "win32")(
  "an interrupted import ends in good order and is completed by the next",
  async () => {
    const folder = await makeTempFolder();
    const databasePath = join(folder, "log.db");
    const args = [join(folder, "log.ndjson"), "--db", databasePath];
    await writeLog(join(folder, "log.ndjson"), makeLines(LINE_COUNT));

    const controller = new AbortController();
    const running = runExample("event-log/main.ts", {
      args: [...args, "--batch", BATCH],
      interrupt: controller.signal,
    });
    await vi.waitFor(() => expect(existsSync(databasePath)).toBe(true), { timeout: START_TIMEOUT_MS });
    controller.abort();
    const interrupted = await running;
    expect(interrupted).toMatchObject({ exitCode: INTERRUPTED, stdout: "" });
    expect(interrupted.stderr).toContain("run it again with the same --db to complete it");

    const completed = await runExample("event-log/main.ts", { args });
    expect(completed).toMatchObject({ exitCode: 0, stderr: "" });
    expect(completed.stdout).toContain("Events     20,000 in 7 streams");
    expect(completed.stdout).toContain("Order      that of the log, across all streams");
  },
);
