import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { NodeProcess } from "../../support/node-process.js";
import { S3Stub } from "../../support/s3/stub-server.js";

const PROGRAM = fileURLToPath(new URL("../../../benchmarks/blob-memory.ts", import.meta.url));
const MEBIBYTES = 128;
/** Half of the blob. */
const MAX_GROWTH_MIB = 64;

interface MemoryReport {
  readonly isSame: boolean;
  readonly putMiB: number;
  readonly getMiB: number;
}

test.each(["sqlite", "files", "s3"])("a large blob goes through a little memory, in and out: %s", async (kind) => {
  await using stub = await S3Stub.start();
  const options = kind === "s3" ? [JSON.stringify(stub.options)] : [];
  await using process = new NodeProcess(PROGRAM, {
    args: [kind, MEBIBYTES, ...options],
    nodeOptions: ["--import", "tsx"],
  });
  const { isSame, putMiB, getMiB } = await process.report<MemoryReport>();

  expect(isSame).toBe(true);
  expect(putMiB).toBeLessThan(MAX_GROWTH_MIB);
  expect(getMiB).toBeLessThan(MAX_GROWTH_MIB);
});
