import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import { MAX_STORE_MEMORY_BYTES } from "../../src/limits.js";

const MIB = 1024 * 1024;

test("writes that nobody awaits are refused before they take all memory, and the store goes on", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const stream = await streams.openStream("a");
  const data = new Uint8Array(16 * MIB);
  const fitting = Math.ceil(MAX_STORE_MEMORY_BYTES / data.length) - 1;
  const controller = new AbortController();
  const reason = new Error("no need to store so much for a test");
  const small = stream.write({ type: "Small", data: null });
  const large = Array.from({ length: fitting + 3 }, () =>
    stream.write({ type: "Large", data }, { signal: controller.signal }).catch((error: unknown) => error),
  );
  controller.abort(reason);
  const outcomes = await Promise.all(large);

  expect(outcomes.slice(0, fitting)).toEqual(Array.from({ length: fitting }, () => reason));
  const overloaded = { code: "STORAGE_OVERLOADED", message: expect.stringMatching(/await writes/) };
  for (const outcome of outcomes.slice(fitting)) expect(outcome).toMatchObject(overloaded);
  await expect(small).resolves.toMatchObject({ version: 1 });
  await expect(stream.write({ type: "Large", data })).resolves.toMatchObject({ version: 2 });
});
