import { expect, test, vi } from "vitest";
import { EXAMPLE_TIMEOUT_MS, runExample } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

test("read-model builds its table again while four writers append, and every sum is right", async () => {
  const { exitCode, stdout, stderr } = await runExample("read-model.ts");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n")[0]).toBe("Built again under 4 writers; a reader saw 3 rows at least");
  expect(stdout.match(/^(ann|bob|cleo) +[\d.]+$/gm)).toHaveLength(3);
});

test("outbox sends each mail once, although its process is killed and the mail service fails", async () => {
  const { exitCode, stdout, stderr } = await runExample("outbox/main.ts");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toContain("60 mails were sent, each of them once");
  expect(Number(/^(\d+) requests came again/m.exec(stdout)?.[1])).toBeGreaterThan(0);
});

test("process-manager leads each order to its end, and no piece of the stock appears or disappears", async () => {
  const { exitCode, stdout, stderr } = await runExample("process-manager.ts");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const [, shipped, left] = /^(\d+) shipped and (\d+) left make 25 pieces$/m.exec(stdout) ?? [];
  expect(Number(shipped) + Number(left)).toBe(25);
  expect(stdout).toMatch(/^not paid: [1-9]/m);
});
