import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";

test("a name that is the beginning of one that there is, is taken for it", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("a");
  const event = { type: "A", data: 1 };
  const meaning = (name: string) => ({ message: expect.stringContaining(`(did you mean "${name}"?)`) });

  await expect(stream.write({ ...event, meta: {} } as never)).rejects.toMatchObject(meaning("metadata"));
  await expect(stream.write(event, { expected: 0 } as never)).rejects.toMatchObject(meaning("expectedVersion"));
  await expect(stream.write(event, { singal: 1 } as never)).rejects.toMatchObject(meaning("signal"));
});
