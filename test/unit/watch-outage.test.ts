import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle } from "../../adapters/memory/index.js";
import { ALL_STREAM, StorageError, type StorageErrorCode, type StoredEvent } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { failureOf } from "../conformance/support/failure-of.js";
import { Observation } from "../conformance/support/observation.js";
import { overriding } from "../support/overriding.js";

interface Message {
  readonly kind: string;
  readonly after: number;
  readonly attempts: number;
}

let messages: Message[] = [];
const listener = (message: unknown): void => void messages.push(message as Message);
beforeEach(() => {
  messages = [];
  subscribe("async-streams:watch", listener);
});
afterEach(() => unsubscribe("async-streams:watch", listener));

/** A store over a network that can be away, or be replaced by another. */
function openRemoteStore() {
  const storage = new MemoryStorageHandle();
  const state: { failure: StorageErrorCode | undefined; epoch: string } = { failure: undefined, epoch: "first" };
  const readPage: typeof storage.readPage = async (query) => {
    if (state.failure !== undefined) throw new StorageError(state.failure, "The server is away.");
    return { ...(await storage.readPage(query)), epoch: state.epoch };
  };
  const remote = overriding(storage, { readPage });
  return { streams: createStreamFactory({ storage: remote, notifier: new MemoryNotifier(storage) }), state };
}

test("a watch waits until the server is back, goes on from its place, and says so", async () => {
  const { streams, state } = openRemoteStore();
  await using _ = streams;
  await using stream = await streams.openStream("a");
  await stream.write([1, 2].map((data) => ({ type: "N", data })));
  state.failure = "STORAGE_UNAVAILABLE";
  const observation = new Observation(stream.watch({ after: 1 }));
  await expect.poll(() => messages.length).toBeGreaterThan(2);
  await stream.write({ type: "N", data: 3 });
  state.failure = undefined;

  await expect.poll(() => observation.events.map(({ version }) => version)).toEqual([2, 3]);
  const waiting = messages.filter(({ kind }) => kind === "waiting");
  expect(waiting.map(({ attempts }) => attempts)).toEqual(waiting.map((_message, index) => index + 1));
  expect(waiting[0]).toMatchObject({
    kind: "waiting",
    streamId: "a",
    after: 1,
    waitMs: expect.any(Number),
    error: { code: "STORAGE_UNAVAILABLE" },
  });
  expect(messages.at(-1)).toMatchObject({ kind: "resumed", streamId: "a", attempts: waiting.length });
  observation.unsubscribe();
});

test("a watch that waits ends at once when it is left", async () => {
  const { streams, state } = openRemoteStore();
  await using _ = streams;
  await using stream = await streams.openStream(ALL_STREAM);
  state.failure = "STORAGE_UNAVAILABLE";
  const aborting = new AbortController();
  const next = stream.watch({ signal: aborting.signal })[Symbol.asyncIterator]().next();
  const failure = failureOf(next);
  await expect.poll(() => messages.length).toBeGreaterThan(0);
  aborting.abort(new Error("enough"));

  expect(await failure).toMatchObject({ message: "enough" });
});

test("a watch ends with every other failure", async () => {
  const { streams, state } = openRemoteStore();
  await using _ = streams;
  await using stream = await streams.openStream("a");
  state.failure = "STORAGE_PERMISSION_DENIED";
  const observation = new Observation(stream.watch());
  await expect.poll(() => observation.hasEnded).toBe(true);

  expect(observation.errors).toMatchObject([{ code: "STORAGE_PERMISSION_DENIED" }]);
  expect(messages).toEqual([]);
});

test("a watch and a read end when another store has taken the place of theirs, however long it is", async () => {
  const { streams, state } = openRemoteStore();
  await using _ = streams;
  await using stream = await streams.openStream("a");
  await stream.write(Array.from({ length: 400 }, (_value, data) => ({ type: "N", data })));
  const watching = stream.watch({ after: 0 })[Symbol.asyncIterator]();
  await watching.next();
  const read: StoredEvent[] = [];
  const reading = async (): Promise<void> => {
    for await (const event of stream.read()) {
      if (read.push(event) === 1) state.epoch = "second";
    }
  };

  expect(await failureOf(reading())).toMatchObject({ code: "STORAGE_REPLACED" });
  const watchRest = async (): Promise<void> => {
    for (;;) await watching.next();
  };
  expect(await failureOf(watchRest())).toMatchObject({ code: "STORAGE_REPLACED" });
});
