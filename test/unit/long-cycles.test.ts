import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";
import { MAX_JSON_DEPTH } from "../../src/limits.js";

test("a value that contains itself only after many levels is named as one, and not as too deep", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("a");
  const innermost: unknown[] = [];
  let value = innermost;
  for (let level = 1; level < MAX_JSON_DEPTH; level += 1) value = [value];
  innermost.push(value);

  await expect(stream.write({ type: "T", data: value })).rejects.toMatchObject({
    code: "INVALID_EVENT",
    message: expect.stringContaining("it contains itself"),
  });
});
