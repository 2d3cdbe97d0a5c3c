import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { MAX_STORE_MEMORY_BYTES } from "../../../src/limits.js";

test("a transaction may take 2 seconds unless it says otherwise", async () => {
  await using streams = memoryStreamFactory();

  await expect(streams.transaction(() => new Promise(() => undefined))).rejects.toMatchObject({
    code: "TRANSACTION_TIMEOUT",
    message: expect.stringContaining("timeoutMs (2000 ms)"),
  });
});

test("a batch comes to a watcher as one, after the commit", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("a");
  const versions: number[] = [];
  const seenAtCommit = new Promise<number>((resolve) => {
    stream.watch().subscribe(async (event) => {
      versions.push(event.version);
      if (event.version === 1) resolve((await stream.metrics()).currentVersion);
    });
  });
  await streams.transaction(async (tx) => {
    await tx.write("a", { type: "A", data: 1 });
    await tx.write("b", { type: "A", data: 2 });
    await tx.write("a", { type: "A", data: 3 });
  });

  expect(await seenAtCommit).toBe(2);
  expect(versions).toEqual([1, 2]);
});

test("writes that wait inside a transaction are counted, and refused beyond the memory limit", async () => {
  await using streams = memoryStreamFactory();
  const size = 16 * 1024 * 1024;
  const events = (): { type: string; data: unknown }[] => [{ type: "A", data: new Uint8Array(size) }];
  const overloaded = streams.transaction(async (tx) => {
    for (let count = 0; count <= MAX_STORE_MEMORY_BYTES / size; count += 1) void tx.write("a", events());
  });

  await expect(overloaded).rejects.toMatchObject({
    code: "STORAGE_OVERLOADED",
    message: expect.stringMatching(/^Cannot write to stream "a" in memory: it takes \d+ bytes/),
  });
  expect(await (await streams.openStream("a")).write({ type: "A", data: null })).toMatchObject({ version: 1 });
});
