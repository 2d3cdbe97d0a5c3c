import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { StoredEvent } from "../../../index.js";
import { type ConsumerDefinition, consume, dropConsumer, type HandlerContext } from "../../../src/consumers/index.js";
import { Gate } from "../../conformance/support/transactions.js";
import { collecting } from "./support/collecting.js";
import { STORES, writeToStreams } from "./support/stores.js";

describe.each(STORES)("a consumer over %s", (_, open) => {
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

  test("does not start when its signal is aborted meanwhile, and leaves its partitions to others", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const controller = new AbortController();
    const started = consume(streams, collecting([]), { signal: controller.signal });
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await expect(started).rejects.toBe(reason);
    expect(await dropConsumer(streams, "all")).toBe(true);
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

  test("is waited for after its end only as long as asked, which tells how it ended", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const failing: ConsumerDefinition = {
      name: "failing",
      startFrom: "beginning",
      handle: () => Promise.reject(new Error("no mail server")),
    };
    const failed = await consume(streams, failing, { retry: { attempts: 1 }, onExhausted: "stop" });
    await expect(failed.ended).rejects.toThrow("no mail server");
    await expect(failed.whenProcessed(1, { timeoutMs: 20 })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(/It has ended in this process: no mail server$/),
    });

    const consumer = await consume(streams, collecting([]));
    await consumer.whenProcessed(1);
    await consumer.stop();
    const stopped = { code: "TIMEOUT", message: expect.stringMatching(/It was stopped in this process\.$/) };
    await expect(consumer.whenProcessed(2, { timeoutMs: 20 })).rejects.toMatchObject(stopped);
    expect(await dropConsumer(streams, "all")).toBe(true);
    await expect(consumer.whenProcessed(1, { timeoutMs: 20 })).rejects.toMatchObject(stopped);
  });

  test("is given as long as it is told, however long that is", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const held = new Gate();
    const failures: unknown[] = [];
    let signal: AbortSignal | undefined;
    const definition = {
      handle: async (_event: StoredEvent, context: HandlerContext) => {
        signal = context.signal;
        await held.opened;
      },
    };
    const consumer = await consume(streams, collecting([], definition), {
      handlerTimeoutMs: 2 ** 31 - 1,
      onError: ({ error }) => failures.push(error),
    });
    await expect.poll(() => signal).toBeDefined();
    const stopped = consumer.stop({ drainMs: 2 ** 31 });
    // A timer that takes no such time is over by then.
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([signal?.aborted, failures]).toEqual([false, []]);
    held.open();
    await stopped;
  });

  test("is ended by a stop that lets what is under way finish", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const handled: unknown[] = [];
    let release: (() => void) | undefined;
    const handle = async ({ data }: StoredEvent, { signal }: { signal: AbortSignal }) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      handled.push([data, signal.aborted]);
    };
    const consumer = await consume(streams, collecting([], { handle } as Partial<ConsumerDefinition>));
    await expect.poll(() => release).toBeDefined();
    const stopped = consumer.stop();
    release?.();
    await stopped;
    await consumer.ended;

    await using next = await consume(streams, collecting(handled));
    await next.whenProcessed(2);
    expect(handled).toEqual([[0, false], 1]);
  });

  test("goes on counting the attempts of the one before, without the one that a stop has interrupted", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const attempts: number[][] = [];
    const handle = async (_event: StoredEvent, { attempt, signal }: { attempt: number; signal: AbortSignal }) => {
      attempts.at(-1)?.push(attempt);
      if (attempts.length === 3) return;
      if (attempts.at(-1)?.length === 2) await new Promise((resolve) => signal.addEventListener("abort", resolve));
      throw new Error("not yet");
    };
    const definition = collecting([], { handle } as Partial<ConsumerDefinition>);
    for (let run = 0; run < 2; run += 1) {
      attempts.push([]);
      const consumer = await consume(streams, definition, { retry: { minDelayMs: 0, maxDelayMs: 0 } });
      await expect.poll(() => attempts.at(-1)?.length).toBe(2);
      await consumer.stop({ drainMs: 0 });
    }
    attempts.push([]);
    await using last = await consume(streams, definition);
    await last.whenProcessed(1);
    expect(attempts).toEqual([[1, 2], [2, 3], [3]]);
  });

  test("is waited for no longer than it is asked to", async () => {
    await using streams = await open();
    await using consumer = await consume(streams, collecting([]));
    await expect(consumer.whenProcessed(5, { timeoutMs: 20 })).rejects.toMatchObject({
      name: "TimeoutError",
      code: "TIMEOUT",
      message: expect.stringMatching(/^Cannot wait for "\w+" in \S+: /),
    });
    const reason = new Error("enough");
    await expect(consumer.whenProcessed(5, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

test("a stop gives what is under way 5 seconds by default, and then aborts it", async () => {
  await using streams = memoryStreamFactory();
  await writeToStreams(streams, 1);
  let abortedMs: number | undefined;
  const handle = (_event: StoredEvent, { signal }: HandlerContext) =>
    new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => {
        abortedMs = performance.now();
        resolve();
      });
      begun.open();
    });
  const begun = new Gate();
  const consumer = await consume(streams, collecting([], { handle }));
  await begun.opened;
  const stoppedMs = performance.now();
  await consumer.stop();
  // Timers may fire a little early.
  expect(abortedMs).toBeGreaterThan(stoppedMs + 4_950);
});
