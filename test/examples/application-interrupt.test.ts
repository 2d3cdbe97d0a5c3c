import { readdir } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { createTempDir } from "../support/temp-dir.js";
import { EXAMPLE_TIMEOUT_MS, startExample } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

// As a shell sees a program that a signal has ended.
const ENDINGS = [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const;
const CASES = ["wiretuner", "openfroyo", "flowforge"].flatMap((name) =>
  ENDINGS.map(([signal, exitCode]) => [name, signal, exitCode] as const),
);

// A process on Windows cannot be sent signals that it could handle.
test.runIf(process.platform !== "win32").each(CASES)(
  "%s removes its folder when it is ended by %s",
  async (name, signal, exitCode) => {
    await using folder = await createTempDir();
    await using running = startExample(`${name}/main.ts`, { env: { TMPDIR: folder.path } });
    await running.ready();
    running.signal(signal);
    expect(await running.ended).toMatchObject({ exitCode, stderr: "" });
    expect((await readdir(folder.path)).filter((entry) => entry.startsWith(`${name}-`))).toEqual([]);
  },
);
