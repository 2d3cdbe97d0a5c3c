import { expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { TransactionalStreamFactory } from "../../../index.js";
import {
  type ConsumerOptions,
  consume,
  dropConsumer,
  dropParked,
  parked,
  retryParked,
} from "../../../src/consumers/index.js";
import { runProjections } from "../../../src/projections/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { plainStorage } from "../../support/plain-storage.js";
import { collecting } from "./support/collecting.js";
import { listOf } from "./support/stores.js";

test.each<readonly [string, object, ConsumerOptions, string]>([
  ["no startFrom", { startFrom: undefined }, {}, "startFrom"],
  ["an unknown startFrom", { startFrom: "middle" }, {}, "startFrom"],
  ["no handler", { handle: undefined }, {}, "one of handle and transact, got none"],
  ["two handlers", { transact: async () => undefined }, {}, "one of handle and transact, got both"],
  [
    "a misspelt field",
    { type: ["A"] },
    {},
    'Cannot start consumer "all" in memory: invalid type: there is no such field',
  ],
  ["no name", { name: "" }, {}, "Cannot start a consumer in memory: invalid name"],
  ["a name that is no text", { name: 5 }, {}, "Cannot start a consumer in memory: invalid name"],
  [
    "a start beyond the end",
    { startFrom: 5 },
    {},
    'Cannot start consumer "all" in memory: invalid startFrom: the last',
  ],
  ["too many partitions", {}, { partitions: 257 }, "partitions"],
  ["no lease", {}, { leaseMs: 0 }, "leaseMs"],
  ["a misspelt option", {}, { partition: 2 } as ConsumerOptions, "partitions"],
  ["no attempts", {}, { retry: { attempts: 0 } }, "attempts"],
  ["an unknown end", {}, { onExhausted: "drop" as "park" }, "onExhausted"],
  ["a long name", { name: "x".repeat(513) }, {}, "name"],
  ["no text for a restart", { restart: "" }, {}, "restart"],
  ["types that are no list", { types: "A" }, {}, "types"],
  ["types that are no strings", { types: [1] }, {}, "types"],
  ["a filter of a field that there is not", { filter: [{ field: "datum", op: "=", value: 1 }] }, {}, "filter"],
  ["a handler that is no function", { handle: "send" }, {}, "handle"],
  ["no partitions", {}, { partitions: 0 }, "partitions"],
  ["no time for a handler", {}, { handlerTimeoutMs: 0 }, "handlerTimeoutMs"],
  ["less than no parked events", {}, { maxParked: -1 }, "maxParked"],
  ["a checkpoint after no events", {}, { checkpointEvery: { events: 0 } }, "checkpointEvery.events"],
  ["a checkpoint after no time", {}, { checkpointEvery: { ms: 0 } }, "checkpointEvery.ms"],
  ["a delay that is longer than the longest", {}, { retry: { minDelayMs: 2, maxDelayMs: 1 } }, "maxDelayMs"],
  ["delays that get shorter", {}, { retry: { factor: 0.5 } }, "factor"],
  [
    "retries that are none",
    {},
    { retry: null as never },
    'Cannot start consumer "all" in memory: invalid retry: expected',
  ],
  ["no object for the checkpoints", {}, { checkpointEvery: 5 as never }, "invalid checkpointEvery: expected an object"],
  ["a misspelt field of the retries", {}, { retry: { attempt: 2 } as object }, "attempts"],
  ["a report that is no function", {}, { onError: "log" as never }, "onError"],
])("a consumer is refused with %s", async (_name, definition, options, message) => {
  await using streams = memoryStreamFactory();
  const started = consume(streams, collecting([], definition), options);
  await expect(started).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
  await expect(started).rejects.toThrow(message);
});

test.each([[undefined], [null], ["mail"], [{}]])("a definition that is none is refused: %#", async (definition) => {
  await using streams = memoryStreamFactory();
  await expect(consume(streams, definition as never)).rejects.toThrow(/^Cannot start a consumer in memory: invalid /);
});

test.each([
  ["the longest delay", { maxDelayMs: 5 }],
  ["the shortest delay", { minDelayMs: 100_000 }],
])("a consumer may be given only %s of its retries", async (_name, retry) => {
  await using streams = memoryStreamFactory();
  await using consumer = await consume(streams, collecting([]), { retry });
  expect(consumer.name).toBe("all");
});

test("a consumer is refused with a longest delay that is no number, whatever the shortest is by default", async () => {
  await using streams = memoryStreamFactory();
  const started = consume(streams, collecting([]), { retry: { maxDelayMs: "1" as never } });
  await expect(started).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "retry.maxDelayMs" });
});

test.each([[undefined], [-1], [Number.NaN]])("waiting for position %s is refused", async (position) => {
  await using streams = memoryStreamFactory();
  await using consumer = await consume(streams, collecting([]));
  const waiting = consumer.whenProcessed(position as number, { timeoutMs: 0 });
  await expect(waiting).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "position" });
});

test("who waits for the whole result of a write is told what was attempted, and what is wanted", async () => {
  await using streams = memoryStreamFactory();
  await using consumer = await consume(streams, collecting([]));
  const result = await (await streams.openStream("a")).write({ type: "A", data: 1 });
  await expect(consumer.whenProcessed(result as never)).rejects.toMatchObject({
    argument: "position",
    message: expect.stringMatching(
      /^Cannot wait for "all" in memory: invalid position: .* "position" of a write's result, got an object\.$/,
    ),
  });
  await expect(consumer.whenProcessed(1, { timeout: 5 } as object)).rejects.toThrow(
    /^Cannot wait for "all" in memory: invalid timeout: .*timeoutMs/,
  );
});

test.each([[{ drain: 1 }], [{ drainMs: -1 }], [{ drainMs: "x" }]])("a stop is refused with %j", async (options) => {
  await using streams = memoryStreamFactory();
  await using consumer = await consume(streams, collecting([]));
  await expect(consumer.stop(options as object)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("listeners that reject are warned of, and nothing else comes of it", async () => {
  await using streams = memoryStreamFactory();
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on("warning", onWarning);
  try {
    const { position } = await (await streams.openStream("a")).write({ type: "A", data: null });
    const handle = () => Promise.reject(new Error("broken"));
    const onError = () => Promise.reject(new Error("no log"));
    const onStatus = () => Promise.reject(new Error("no status"));
    await using consumer = await consume(streams, collecting([], { handle }), { retry: { attempts: 1 }, onError });
    await consumer.whenProcessed(position);
    await using _ = await runProjections(streams, [{ name: "p", project: async () => undefined }], { onStatus });
    await expect
      .poll(() => warnings)
      .toEqual(expect.arrayContaining(['onError of consumer "all" threw: no log', "onStatus threw: no status"]));
  } finally {
    process.off("warning", onWarning);
  }
});

test("a store without transactions has no consumers", async () => {
  const storage = new MemoryStorageHandle(Date.now);
  const notifier = new MemoryNotifier(storage);
  await using streams = createStreamFactory({ storage: plainStorage(storage), notifier });
  const plain = streams as unknown as TransactionalStreamFactory;
  const definition = { name: "all", startFrom: "end", handle: async () => undefined } as const;
  await expect(consume(plain, definition)).rejects.toMatchObject({ code: "STORAGE_UNSUPPORTED" });
});

test.each<readonly [string, (streams: TransactionalStreamFactory) => Promise<unknown>, string]>([
  ["parked", (streams) => listOf(parked(streams, "")), "name"],
  ["retryParked", (streams) => retryParked(streams, "x".repeat(513)), "name"],
  ["retryParked", (streams) => retryParked(streams, "all", { stream: "a" } as object), "streamId"],
  ["retryParked", (streams) => retryParked(streams, "all", { streamId: "" }), "streamId"],
  ["dropParked", (streams) => dropParked(streams, "all", {} as { position: number }), "position"],
  ["dropParked", (streams) => dropParked(streams, "all", { position: -1 }), "position"],
  ["dropConsumer", (streams) => dropConsumer(streams, ""), "name"],
])("%s refuses what makes no sense", async (_name, call, message) => {
  await using streams = memoryStreamFactory();
  const called = call(streams);
  await expect(called).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
  await expect(called).rejects.toThrow(message);
});
