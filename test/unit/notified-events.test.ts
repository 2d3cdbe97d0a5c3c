import { afterEach, expect, test, vi } from "vitest";
import { MemoryStorageHandle, memoryStreamFactory } from "../../adapters/memory/index.js";
import { ALL_STREAM, type Notifier, type StoredEvent, type WatchOptions } from "../../protocols/index.js";
import { Listeners } from "../../src/adapter-kit/listeners.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";

afterEach(() => vi.restoreAllMocks());

const event = (number: number) => ({ type: "Counted", data: { number }, metadata: { by: "test" } });
const numberOf = ({ data }: StoredEvent): unknown => (data as { readonly number: number }).number;

test("an event is decoded when a consumer comes for it, and for each of them", async () => {
  await using streams = memoryStreamFactory();
  await using stream = await streams.openStream("a");
  await stream.write(event(0));
  const watchers = ["a", "a", ALL_STREAM].map(async (id) => {
    const events = (await streams.openStream(id)).watch({ after: 0 })[Symbol.asyncIterator]();
    expect(numberOf((await events.next()).value as StoredEvent)).toBe(0);
    return events;
  });
  const iterators = await Promise.all(watchers);

  const parse = vi.spyOn(JSON, "parse");
  for (const number of [1, 2, 3]) await stream.write(event(number));
  expect(parse).not.toHaveBeenCalled();

  const seen = new Set<unknown>();
  for (const events of iterators) {
    for (const number of [1, 2, 3]) {
      const { value } = await events.next();
      expect(numberOf(value as StoredEvent)).toBe(number);
      seen
        .add(value)
        .add((value as StoredEvent).data)
        .add((value as StoredEvent).metadata);
    }
    await events.return?.();
  }
  expect(seen.size).toBe(27);
});

/** A store whose notifier gives texts that are not JSON. */
function openGarbled() {
  const storage = new MemoryStorageHandle();
  const listeners = new Listeners();
  storage.onCommit((placed) =>
    listeners.publish(placed.map((each) => ({ ...each, event: { ...each.event, data: "{" } }))),
  );
  const notifier: Notifier = {
    start: async () => undefined,
    subscribe: (streamId, listener) => listeners.add(streamId, listener),
    [Symbol.asyncDispose]: async () => listeners.clear(),
  };
  return { streams: createStreamFactory({ storage, notifier }), notifier };
}

test.each<[string, WatchOptions]>([
  ["each event", { after: 0 }],
  ["filtered events", { after: 0, filter: [{ field: "data.number", op: ">=", value: 0 }] }],
])("a watch of %s reads what it was notified of and cannot decode", async (_, options) => {
  const { streams } = openGarbled();
  await using _streams = streams;
  await using stream = await streams.openStream("a");
  const heard: unknown[] = [];
  const errors: unknown[] = [];
  stream.watch(options).subscribe({ next: (each) => heard.push(numberOf(each)), error: (error) => errors.push(error) });

  const numbers = [1, 2, 3];
  for (const number of numbers) {
    await stream.write(event(number));
    await vi.waitFor(() => expect(heard).toEqual(numbers.slice(0, number)));
  }
  expect(errors).toEqual([]);
});

test("a listener is told to read what cannot be decoded", async () => {
  const { streams, notifier } = openGarbled();
  await using _ = streams;
  await using stream = await streams.openStream("a");
  const batches: unknown[] = [];
  notifier.subscribe("a", (batch) => batches.push(batch));
  await stream.write(event(1));
  expect(batches).toEqual([[]]);
});
