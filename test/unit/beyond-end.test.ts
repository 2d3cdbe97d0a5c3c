import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../adapters/memory/index.js";
import { ALL_STREAM, type EventPage, type StoredEvent, type StreamFactory } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { overriding } from "../support/overriding.js";

const warn = vi.spyOn(process, "emitWarning");
beforeEach(() => void warn.mockReset().mockImplementation(() => undefined));
afterAll(() => warn.mockRestore());

async function openTwoStreams(streams: StreamFactory): Promise<void> {
  await (await streams.openStream("other")).write([1, 2, 3, 4, 5].map((data) => ({ type: "N", data })));
  await (await streams.openStream("a")).write([1, 2].map((data) => ({ type: "N", data })));
}

async function collect(events: AsyncIterable<StoredEvent>): Promise<unknown[]> {
  const found: unknown[] = [];
  for await (const event of events) found.push(event.data);
  return found;
}

/** A store that can be cut back to fewer events while it is open. */
function openCuttableStore() {
  const storage = new MemoryStorageHandle();
  let head = Number.POSITIVE_INFINITY;
  const readPage = async (query: Parameters<typeof storage.readPage>[0]): Promise<EventPage> => {
    const page = await storage.readPage(query);
    return page.head <= head ? page : { events: [], next: null, head };
  };
  const streams = createStreamFactory({
    storage: overriding(storage, { readPage }),
    notifier: new MemoryNotifier(storage),
  });
  const cutTo = (version: number): void => {
    head = version;
  };
  return { streams, cutTo };
}

test("a watch from a position that was given for a version says so", async () => {
  await using streams = memoryStreamFactory();
  await openTwoStreams(streams);
  await using account = await streams.openStream("a");
  const watching = account.watch({ after: 7 })[Symbol.asyncIterator]().next();
  await expect(watching).rejects.toMatchObject({
    code: "STORAGE_WENT_BACK",
    message: expect.stringContaining("after version 7: the last version is 2. Was a position given?"),
  });
});

test.each([
  ["no position of the store", "a", 8],
  ["already a position", ALL_STREAM, 8],
])("a watch from a place that is %s does not ask for one", async (_, streamId, after) => {
  await using streams = memoryStreamFactory();
  await openTwoStreams(streams);
  await using stream = await streams.openStream(streamId);
  const error: unknown = await stream
    .watch({ after })
    [Symbol.asyncIterator]()
    .next()
    .catch((reason) => reason);
  expect(error).toMatchObject({ code: "STORAGE_WENT_BACK", message: expect.stringContaining("went back") });
  expect((error as Error).message).not.toContain("Was a position given?");
});

test("a read beyond the end finds nothing, and its handle warns once", async () => {
  await using streams = memoryStreamFactory();
  await openTwoStreams(streams);
  await using account = await streams.openStream("a");
  expect(await collect(account.read({ after: 7 }))).toEqual([]);
  expect(await collect(account.read({ after: 7, direction: "backward" }))).toEqual([]);
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("Was a position given?"), {
    type: "StreamWarning",
    code: "READ_BEYOND_END",
  });
});

test("a read from the end, or up to a place beyond it, warns of nothing", async () => {
  await using streams = memoryStreamFactory();
  await openTwoStreams(streams);
  await using account = await streams.openStream("a");
  expect(await collect(account.read({ after: 2 }))).toEqual([]);
  expect(await collect(account.read({ upTo: 100 }))).toEqual([1, 2]);
  await using all = await streams.openStream(ALL_STREAM);
  expect(await collect(all.read({ after: 7 }))).toEqual([]);
  expect(warn).not.toHaveBeenCalled();
});

test("a read from a place that its handle has seen fails when the store went back", async () => {
  const { streams, cutTo } = openCuttableStore();
  await using _ = streams;
  await openTwoStreams(streams);
  await using account = await streams.openStream("a");
  cutTo(1);
  await expect(collect(account.read({ after: 2 }))).rejects.toMatchObject({
    code: "STORAGE_WENT_BACK",
    message: expect.stringMatching(
      /^Cannot read stream "a" in memory after version 2: the last version is 1\..*went back/,
    ),
  });
  expect(warn).not.toHaveBeenCalled();
});

test("a read that the store goes back under fails, and does not look complete", async () => {
  const { streams, cutTo } = openCuttableStore();
  await using _ = streams;
  await using long = await streams.openStream("long");
  await long.write(Array.from({ length: 1_000 }, (_, data) => ({ type: "N", data })));
  const reading = async (): Promise<void> => {
    for await (const event of long.read()) if (event.version === 10) cutTo(20);
  };
  await expect(reading()).rejects.toMatchObject({ code: "STORAGE_WENT_BACK" });
});
