import { expect, test, vi } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import { ALL_STREAM, type NotificationListener, type Notifier } from "../../protocols/index.js";
import { MAX_WATCH_BUFFER_EVENTS } from "../../src/limits.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { overriding } from "../support/overriding.js";

/** A store whose pages are on their way until they are let through. */
function openWithHeldPages(notifierOver: (storage: MemoryStorageHandle) => Notifier) {
  const storage = new MemoryStorageHandle();
  let letThrough = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    letThrough = resolve;
  });
  const readPage = vi.fn<MemoryStorageHandle["readPage"]>(async (query) => {
    const page = await storage.readPage(query);
    await gate;
    return page;
  });
  const streams = createStreamFactory({
    storage: overriding(storage, { readPage }),
    notifier: notifierOver(storage),
  });
  return { streams, readPage, letThrough };
}

const event = (number: number) => ({ type: "Counted", data: number });
const numbersUpTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);

test.each(["a", ALL_STREAM])("what a watch of %s is told while it reads a page it need not read", async (watched) => {
  const { streams, readPage, letThrough } = openWithHeldPages((storage) => new MemoryNotifier(storage));
  await using _ = streams;
  const stream = await streams.openStream("a");
  await stream.write(event(1));
  const heard: unknown[] = [];
  (await streams.openStream(watched)).watch({ after: 0 }).subscribe(({ data }) => heard.push(data));
  await vi.waitFor(() => expect(readPage).toHaveBeenCalledOnce());

  await stream.write([event(2), event(3)]);
  await stream.write(event(4));
  expect(heard).toEqual([]);
  letThrough();

  await vi.waitFor(() => expect(heard).toEqual([1, 2, 3, 4]));
  await stream.write(event(5));
  await vi.waitFor(() => expect(heard).toEqual([1, 2, 3, 4, 5]));
  expect(readPage).toHaveBeenCalledOnce();
});

test.each(["a", ALL_STREAM])("what a watch of %s is told beyond what it holds it reads", async (watched) => {
  const { streams, readPage, letThrough } = openWithHeldPages((storage) => new MemoryNotifier(storage));
  await using _ = streams;
  const stream = await streams.openStream("a");
  const heard: unknown[] = [];
  (await streams.openStream(watched)).watch({ after: 0 }).subscribe(({ data }) => heard.push(data));
  await vi.waitFor(() => expect(readPage).toHaveBeenCalledOnce());

  const all = numbersUpTo(MAX_WATCH_BUFFER_EVENTS + 1);
  for (const number of all) await stream.write(event(number));
  letThrough();

  await vi.waitFor(() => expect(heard).toEqual(all));
  expect(readPage).toHaveBeenCalledTimes(2);
});

test("a reason to read that comes while a page is read is one to read another", async () => {
  const listeners: NotificationListener[] = [];
  const terse: Notifier = {
    start: async () => undefined,
    subscribe(_, listener) {
      listeners.push(listener);
      return { unsubscribe: () => undefined };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const { streams, readPage, letThrough } = openWithHeldPages(() => terse);
  await using _ = streams;
  const stream = await streams.openStream("a");
  const heard: unknown[] = [];
  stream.watch({ after: 0 }).subscribe(({ data }) => heard.push(data));
  await vi.waitFor(() => expect(readPage).toHaveBeenCalledOnce());

  await stream.write(event(1));
  for (const listener of listeners) listener([]);
  letThrough();

  await vi.waitFor(() => expect(heard).toEqual([1]));
});

test("what is told with a gap while a page is read is read", async () => {
  const listeners: NotificationListener[] = [];
  const faulty: Notifier = {
    start: async () => undefined,
    subscribe(_, listener) {
      listeners.push(listener);
      return { unsubscribe: () => undefined };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  const { streams, readPage, letThrough } = openWithHeldPages(() => faulty);
  await using _ = streams;
  const stream = await streams.openStream("a");
  const heard: unknown[] = [];
  stream.watch({ after: 0 }).subscribe(({ data }) => heard.push(data));
  await vi.waitFor(() => expect(readPage).toHaveBeenCalledOnce());

  await stream.write(numbersUpTo(3).map(event));
  const stored = (version: number) => ({
    ...event(version),
    id: `${version}`,
    streamId: "a",
    version,
    position: version,
    timestamp: new Date(),
    metadata: null,
  });
  for (const listener of listeners) for (const version of [1, 3]) listener([stored(version)]);
  letThrough();

  await vi.waitFor(() => expect(heard).toEqual([1, 2, 3]));
});
