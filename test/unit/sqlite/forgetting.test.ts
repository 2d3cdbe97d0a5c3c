import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../../protocols/index.js";
import { createTempDir } from "../../support/temp-dir.js";

// What a process remembers of a store saves it reads, and is bounded. What it has forgotten or does not know is read.

const MORE_THAN_REMEMBERED = 10_001;

async function count(streams: StreamFactory, type: string): Promise<number> {
  const events = (await streams.openStream("@all")).read({ filter: [{ field: "type", op: "=", value: type }] });
  let found = 0;
  for await (const _ of events) found += 1;
  return found;
}

test("events of more types than are remembered keep their types", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const stream = await streams.openStream("a");
  const events = Array.from({ length: MORE_THAN_REMEMBERED }, (_, number) => ({ type: `T${number}`, data: number }));
  await stream.write(events.slice(0, 1));
  await stream.write(events);
  await stream.write(events.slice(0, 1));

  expect(await count(streams, "T0")).toBe(3);
  expect(await count(streams, `T${MORE_THAN_REMEMBERED - 1}`)).toBe(1);
  expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: MORE_THAN_REMEMBERED + 2 });
});

test("writes to more streams than are remembered go on where each stream ends", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const names = Array.from({ length: MORE_THAN_REMEMBERED }, (_, number) => `stream-${number}`);
  const handles = await Promise.all(names.map((name) => streams.openStream(name)));
  await Promise.all(handles.map((handle) => handle.write({ type: "First", data: 1 }, { expectedVersion: 0 })));
  const ends = [handles[0], handles.at(-1)];
  const second = ends.map((handle) => handle?.write({ type: "Second", data: 2 }, { expectedVersion: 1 }));

  expect(await Promise.all(second)).toMatchObject([
    { version: 2, written: 1 },
    { version: 2, written: 1 },
  ]);
  expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: MORE_THAN_REMEMBERED + 2 });
});

test("a write of several statements that was planned before another writer came is stored behind that one's", async () => {
  await using folder = await createTempDir();
  await using streams = await sqliteStreamFactory(folder.file("store.db"));
  await using others = await sqliteStreamFactory(folder.file("store.db"));
  const stream = await streams.openStream("a");
  await stream.write({ type: "Mine", data: 0 });
  await (await others.openStream("a")).write({ type: "Theirs", data: 1 });
  const many = Array.from({ length: 1_000 }, (_, data) => ({ type: "Mine", data }));

  expect(await stream.write(many)).toEqual({ version: 1_002, position: 1_002, written: 1_000 });
  expect([await count(streams, "Mine"), await count(streams, "Theirs")]).toEqual([1_001, 1]);
  expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 1_002 });
});
