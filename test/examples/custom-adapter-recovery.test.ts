import { readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { jsonLinesStreamFactory } from "../../examples/custom-adapter/json-lines-stream-factory.js";
import { createTempDir } from "../support/temp-dir.js";

async function makeFile(): Promise<string> {
  const folder = await createTempDir();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return folder.file("store.jsonl");
}

async function writeEvents(path: string, ...numbers: number[]): Promise<number> {
  await using streams = await jsonLinesStreamFactory(path);
  await using stream = await streams.openStream("a");
  const { version } = await stream.write(numbers.map((number) => ({ type: "Counted", data: { number } })));
  return version;
}

async function readNumbers(path: string): Promise<unknown[]> {
  await using streams = await jsonLinesStreamFactory(path);
  await using stream = await streams.openStream<{ type: string; data: { number: number } }>("a");
  const numbers: unknown[] = [];
  for await (const event of stream.read()) numbers.push(event.data.number);
  return numbers;
}

test("an append that a crash cut off anywhere leaves nothing, and the store goes on", async () => {
  const path = await makeFile();
  await writeEvents(path, 1, 2);
  const { length: goodLength } = await readFile(path);
  await writeEvents(path, 3, 4, 5);
  const whole = await readFile(path);
  // In a line, before and after a newline, and just before the end.
  const secondLineEnd = whole.indexOf("\n", goodLength) + 1;
  for (const length of [
    goodLength,
    goodLength + 1,
    goodLength + 30,
    secondLineEnd - 1,
    secondLineEnd,
    whole.length - 1,
  ]) {
    await writeFile(path, whole.subarray(0, length));
    expect(await readNumbers(path)).toEqual([1, 2]);
    expect((await readFile(path)).length).toBe(goodLength);
    expect(await writeEvents(path, 6)).toBe(3);
    expect(await readNumbers(path)).toEqual([1, 2, 6]);
  }
  await writeFile(path, whole);
  expect(await readNumbers(path)).toEqual([1, 2, 3, 4, 5]);
});

test.each([
  ["that ends without a newline", "Dear diary", "STORAGE_NOT_A_DATABASE"],
  ["of lines", "Dear diary,\ntoday\n", "STORAGE_CORRUPT"],
  ["of another kind of JSON", '{"name": "x"}\n', "STORAGE_CORRUPT"],
])("a file %s is refused, and stays as it is", async (_, content, code) => {
  const path = await makeFile();
  await writeFile(path, content);
  await expect(jsonLinesStreamFactory(path)).rejects.toMatchObject({ code });
  expect(await readFile(path, "utf8")).toBe(content);
});

test("a damaged line is reported, not passed over", async () => {
  const path = await makeFile();
  await writeEvents(path, 1, 2);
  const text = await readFile(path, "utf8");
  await writeFile(path, text.replace('"kind"', '"kind'));
  await expect(jsonLinesStreamFactory(path)).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
});

test("a path that cannot be opened is a storage error with the code that fits", async () => {
  await using folder = await createTempDir();
  const missing = join(folder.path, "missing", "store.jsonl");
  await expect(jsonLinesStreamFactory(missing)).rejects.toMatchObject({ code: "STORAGE_FOLDER_MISSING" });
  await expect(jsonLinesStreamFactory(folder.path)).rejects.toMatchObject({ code: "STORAGE_IS_DIRECTORY" });
});

test("a file that shrinks under the store is reported to the reader", async () => {
  const path = await makeFile();
  await writeEvents(path, 1, 2);
  await using streams = await jsonLinesStreamFactory(path);
  await using stream = await streams.openStream("a");
  await truncate(path, 10);
  await expect(stream.read()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
});
