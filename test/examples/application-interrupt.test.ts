import { readdir } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { createTempDir } from "../support/temp-dir.js";
import { EXAMPLE_TIMEOUT_MS, startExample } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

const INTERRUPTED = 130;

// A process on Windows cannot be sent what Ctrl-C sends.
test.runIf(process.platform !== "win32").each(["wiretuner", "openfroyo", "flowforge"])(
  "%s removes its folder when it is interrupted",
  async (name) => {
    await using folder = await createTempDir();
    await using running = startExample(`${name}/main.ts`, { env: { TMPDIR: folder.path } });
    await running.ready();
    running.signal("SIGINT");
    expect(await running.ended).toMatchObject({ exitCode: INTERRUPTED, stderr: "" });
    expect((await readdir(folder.path)).filter((entry) => entry.startsWith(`${name}-`))).toEqual([]);
  },
);
