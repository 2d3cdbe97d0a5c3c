import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { type ConsumerDefinition, type ConsumerOptions, consume } from "../../../src/consumers/index.js";
import { numbered, STORES, writeToStreams } from "./support/stores.js";

describe.each(STORES)("a start over %s", (_, open) => {
  function collecting(handled: unknown[], definition: Partial<ConsumerDefinition> = {}): ConsumerDefinition {
    return {
      name: "all",
      startFrom: "beginning",
      handle: async ({ data }) => void handled.push(data),
      ...definition,
    } as ConsumerDefinition;
  }

  test.each([
    ["beginning", [0, 1, 2, 3]],
    ["end", [3]],
    [2, [2, 3]],
    [0, [0, 1, 2, 3]],
  ] as const)("from %s handles what comes after it", async (startFrom, expected) => {
    await using streams = await open();
    await writeToStreams(streams, 3);
    const handled: unknown[] = [];
    await using consumer = await consume(streams, collecting(handled, { startFrom }));
    await (await streams.openStream("a")).write(numbered(3));
    await consumer.whenProcessed(4);
    expect(handled).toEqual(expected);
  });

  test("with a new restart begins again, once for each text", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const handled: unknown[] = [];
    for (const restart of [undefined, "fixed", "fixed", "again"]) {
      await using consumer = await consume(streams, collecting(handled, restart === undefined ? {} : { restart }));
      await consumer.whenProcessed(2);
    }
    expect(handled).toEqual([0, 1, 0, 1, 0, 1]);
  });

  test("hands over only what types and filter let through", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([
      { type: "A", data: { n: 1 } },
      { type: "B", data: { n: 2 } },
      { type: "A", data: { n: 3 } },
    ]);
    const handled: unknown[] = [];
    await using consumer = await consume(
      streams,
      collecting(handled, { types: ["A"], filter: [{ field: "data.n", op: ">", value: 1 }] }),
    );
    await consumer.whenProcessed(3);
    expect(handled).toEqual([{ n: 3 }]);
  });

  test.each<readonly [string, object, ConsumerOptions, string]>([
    ["no startFrom", { startFrom: undefined }, {}, "startFrom"],
    ["an unknown startFrom", { startFrom: "middle" }, {}, "startFrom"],
    ["a place behind the end", { startFrom: 7 }, {}, "startFrom"],
    ["no handler", { handle: undefined }, {}, "one of handle and transact, got none"],
    ["two handlers", { transact: async () => undefined }, {}, "one of handle and transact, got both"],
    ["a misspelt field", { type: ["A"] }, {}, "types"],
    ["no name", { name: "" }, {}, "name"],
    ["too many partitions", {}, { partitions: 257 }, "partitions"],
    ["no lease", {}, { leaseMs: 0 }, "leaseMs"],
    ["a misspelt option", {}, { partition: 2 } as ConsumerOptions, "partitions"],
    ["no attempts", {}, { retry: { attempts: 0 } }, "attempts"],
    ["an unknown end", {}, { onExhausted: "drop" as "park" }, "onExhausted"],
  ])("refuses %s", async (_name, definition, options, message) => {
    await using streams = await open();
    const started = consume(streams, collecting([], definition), options);
    await expect(started).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
    await expect(started).rejects.toThrow(message);
  });

  test("is ended by its signal and by the disposal of the store, after the event under way", async () => {
    const streams = await open();
    await writeToStreams(streams, 2);
    const controller = new AbortController();
    const handled: unknown[] = [];
    const first = await consume(streams, collecting(handled), { signal: controller.signal });
    await first.whenProcessed(2);
    controller.abort();
    await first.ended;

    let isWriting = false;
    const second = await consume(
      streams,
      collecting([], {
        name: "slow",
        types: ["Numbered"],
        handle: async ({ data }: StoredEvent) => {
          isWriting = true;
          await new Promise((resolve) => setImmediate(resolve));
          await (await streams.openStream("out")).write({ type: "Out", data: data as number });
        },
      } as Partial<ConsumerDefinition>),
    );
    await expect.poll(() => isWriting).toBe(true);
    await streams[Symbol.asyncDispose]();
    await second.ended;
    await expect(second.lag()).rejects.toMatchObject({ code: "STREAM_CLOSED" });
    await expect(consume(streams, collecting([]))).rejects.toMatchObject({ code: "STREAM_CLOSED" });
  });

  test("is ended by a stop that aborts what takes too long", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const reasons: unknown[] = [];
    const attempts: number[] = [];
    const definition: ConsumerDefinition = {
      name: "all",
      startFrom: "beginning",
      handle: (_event, { signal, attempt }) =>
        new Promise((resolve, reject) => {
          attempts.push(attempt);
          if (attempts.length > 1) resolve();
          signal.addEventListener("abort", () => {
            reasons.push(signal.reason);
            reject(signal.reason);
          });
        }),
    };
    const consumer = await consume(streams, definition);
    await expect.poll(() => attempts.length).toBe(1);
    await consumer.stop({ drainMs: 1 });
    expect(reasons).toEqual([expect.objectContaining({ message: 'Consumer "all" has stopped.' })]);

    await using next = await consume(streams, definition);
    await next.whenProcessed(1);
    expect(attempts).toEqual([1, 1]);
  });

  test.each([[{ drain: 1 }], [{ drainMs: -1 }], [{ drainMs: "x" }]])("refuses a stop with %j", async (options) => {
    await using streams = await open();
    await using consumer = await consume(streams, collecting([]));
    await expect(consumer.stop(options as object)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });

  test("is waited for no longer than it is asked to", async () => {
    await using streams = await open();
    await using consumer = await consume(streams, collecting([]));
    await expect(consumer.whenProcessed(5, { timeoutMs: 20 })).rejects.toMatchObject({
      name: "TimeoutError",
      code: "TIMEOUT",
    });
    const reason = new Error("enough");
    await expect(consumer.whenProcessed(5, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
