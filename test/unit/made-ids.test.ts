import { afterEach, expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";

// RFC 9562, section 5.7: version 7, variant 10.
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

afterEach(() => {
  vi.restoreAllMocks();
});

async function idsMadeAt(...timesMs: number[]): Promise<string[]> {
  await using streams = memoryStreamFactory();
  await using stream = await streams.openStream("a");
  const now = vi.spyOn(Date, "now");
  for (const timeMs of timesMs) {
    now.mockReturnValue(timeMs);
    await stream.write({ type: "Counted", data: 1 });
  }
  now.mockRestore();
  const ids: string[] = [];
  for await (const { id } of stream.read()) ids.push(id);
  return ids;
}

test("an event without a key gets a UUIDv7 of the time of its write", async () => {
  const [id] = await idsMadeAt(0x0123456789ab);
  expect(id).toMatch(UUID_V7);
  expect(id?.slice(0, 13)).toBe("01234567-89ab");
});

test("ids keep their form whatever the clock says", async () => {
  const ids = await idsMadeAt(-5, 0, 1.5, 2 ** 48 - 1, 8.64e15, Date.UTC(2026, 0, 1));
  for (const id of ids) expect(id).toMatch(UUID_V7);
});

test("ids are all different, and differ in every random digit", async () => {
  await using streams = memoryStreamFactory();
  await using stream = await streams.openStream("a");
  await stream.write(Array.from({ length: 2_000 }, () => ({ type: "Counted", data: 1 })));
  const ids: string[] = [];
  for await (const { id } of stream.read()) ids.push(id);

  expect(new Set(ids).size).toBe(2_000);
  for (const index of [15, 16, 17, 19, 20, 21, 22, ...Array.from({ length: 12 }, (_, digit) => 24 + digit)]) {
    const digits = new Set(ids.map((id) => id[index]));
    expect([index, digits.size]).toEqual([index, index === 19 ? 4 : 16]);
  }
});
