import { expect, test, vi } from "vitest";
import { createTempDir } from "../support/temp-dir.js";
import { EXAMPLE_TIMEOUT_MS, runExample, runExampleWithTsx } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

test("quick-start writes, reads and watches, and goes on where it stopped", async () => {
  await using folder = await createTempDir();
  const path = folder.file("bank.db");
  const first = await runExampleWithTsx("quick-start.ts", { args: [path] });
  expect(first).toMatchObject({ exitCode: 0, stderr: "" });
  expect(first.stdout.split("\n")).toEqual([
    "#1  Deposited  100  ->  balance 100",
    "#2  Withdrawn  30  ->  balance 70",
    "Watched live: Withdrawn 30",
    `Stored in ${path}`,
    "",
  ]);
  const second = await runExample("quick-start.ts", { args: [path] });
  expect(second.exitCode).toBe(0);
  expect(second.stdout).toContain("#4  Withdrawn  30  ->  balance 140");
});

test("bank-account keeps the sum of money, whatever conflicts and answers get lost", async () => {
  const { exitCode, stdout, stderr } = await runExample("bank-account.ts");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("Sum of all accounts: 400, as at the start");
  const conflicts = Number(/^(\d+) conflicts/m.exec(stdout)?.[1]);
  expect(conflicts).toBeGreaterThan(0);
  const [, lost, repeats] = /^(\d+) lost answers, (\d+) repeats that wrote nothing$/m.exec(stdout) ?? [];
  expect(Number(lost)).toBeGreaterThan(0);
  expect(repeats).toBe(lost);
});

test("live-dashboard sees every order of every shop and ends", async () => {
  const { exitCode, stdout, stderr } = await runExample("live-dashboard.ts");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n").map((line) => line.split(/\s+/))).toEqual([
    ["shop", "placed", "cancelled", "revenue"],
    ["shop-berlin", "40", "10", "900"],
    ["shop-lisbon", "40", "10", "1200"],
    ["shop-oslo", "40", "10", "1500"],
    ["150", "order", "events", "seen", "live"],
    [""],
  ]);
});

test("snapshot-and-tail reads only the tail", async () => {
  const { exitCode, stdout, stderr } = await runExample("snapshot-and-tail.ts");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("Without a snapshot: 6012 events read");
  expect(stdout).toContain("With a snapshot:    12 events read");
  expect(stdout).toContain('{"apples":3507,"pears":3507,"plums":3507}');
});

test("custom-adapter shows the same behaviour over a file of its own", async () => {
  const { exitCode, stdout, stderr } = await runExample("custom-adapter/main.ts");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n").slice(0, 6)).toEqual([
    "A repeated write stored 0 events",
    "A write that was decided on old state was refused",
    "Watched live: Opened, Closed",
    "#1 Opened by Ann",
    "#2 Closed by Ann",
    'Snapshot of version 2: {"open":false}',
  ]);
});
