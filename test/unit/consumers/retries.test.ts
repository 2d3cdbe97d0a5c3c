import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { StoredEvent } from "../../../index.js";
import {
  type ConsumerFailure,
  consume,
  parked,
  type RetryPolicy,
  retryParked,
  TerminalError,
} from "../../../src/consumers/index.js";
import { listOf, numbered, STORES, writeToStreams } from "./support/stores.js";
import { unbrokenHandler } from "./support/unbroken-handler.js";

const A_MINUTE_MS = 60_000;
const AT_ONCE = { minDelayMs: 0, maxDelayMs: 0 };

afterEach(() => {
  vi.restoreAllMocks();
});

/** The delays of an event that fails until it has been tried so many times; each is as long as it may be. */
async function longestDelays(attempts: number, retry: RetryPolicy): Promise<number[]> {
  vi.spyOn(Math, "random").mockReturnValue(1);
  await using streams = memoryStreamFactory();
  await writeToStreams(streams, 1);
  const failures: ConsumerFailure[] = [];
  await using _consumer = await consume(
    streams,
    { name: "all", startFrom: "beginning", handle: () => Promise.reject(new Error("broken")) },
    { retry, onError: (failure) => failures.push(failure) },
  );
  await expect.poll(() => failures.length).toBeGreaterThanOrEqual(attempts);
  return failures.slice(0, attempts).map(({ delayMs }) => delayMs);
}

test("the longest delay doubles with each attempt, up to the limit", async () => {
  expect(await longestDelays(6, { minDelayMs: 1, maxDelayMs: 6 })).toEqual([1, 2, 4, 6, 6, 6]);
});

test("the longest delay is 200 ms at first, and at most a minute", async () => {
  expect(await longestDelays(2, { factor: 1_000 })).toEqual([200, 60_000]);
});

test("a delay is anything up to the longest", async () => {
  vi.spyOn(Math, "random").mockReturnValueOnce(0.25).mockReturnValueOnce(0.5).mockReturnValue(0);
  await using streams = memoryStreamFactory();
  await writeToStreams(streams, 1);
  const delays: number[] = [];
  await using _consumer = await consume(
    streams,
    { name: "all", startFrom: "beginning", handle: () => Promise.reject(new Error("broken")) },
    { retry: { minDelayMs: 4 }, onError: ({ delayMs }) => delays.push(delayMs) },
  );
  await expect.poll(() => delays.length).toBeGreaterThan(2);
  expect(delays.slice(0, 3)).toEqual([1, 4, 0]);
});

test("more than 10,000 parked events end a consumer by default", async () => {
  await using streams = memoryStreamFactory();
  const a = await streams.openStream("a");
  const events = Array.from({ length: 1_000 }, (_, index) => numbered(index));
  for (let batch = 0; batch < 10; batch += 1) await a.write(events);
  const definition = {
    name: "all",
    startFrom: "beginning",
    handle: () => Promise.reject(new TerminalError("broken")),
  } as const;
  const consumer = await consume(streams, definition);
  await consumer.whenProcessed(10_000, { timeoutMs: 60_000 });
  expect(await consumer.lag()).toMatchObject({ parked: 10_000 });
  await a.write(numbered(0));
  await expect(consumer.ended).rejects.toThrow("maxParked (10000)");
  expect(await consumer.lag()).toMatchObject({ parked: 10_000, events: 1 });
});

describe.each(STORES)("the retries of a consumer over %s", (_, open) => {
  test("are ten by default; then the event is parked, those of its stream wait behind it, and each is handled once", async () => {
    await using streams = await open();
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write([1, 2, 3, 4, 5].map(numbered));
    const { position } = await b.write(numbered(10));
    const handled: unknown[] = [];
    const attempts: number[] = [];
    let isBroken = true;
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        transact: async ({ data }, _tx, { attempt }) => {
          if (data === 3) attempts.push(attempt);
          if (data === 3 && isBroken) throw new Error("broken");
          handled.push(data);
        },
      },
      { retry: AT_ONCE },
    );
    await consumer.whenProcessed(position);
    expect(attempts).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(handled).toEqual([1, 2, 10]);
    const found = await listOf(parked(streams, "all"));
    expect(found).toMatchObject([
      { consumer: "all", streamId: "a", position: 3, attempts: 10, error: "broken" },
      { consumer: "all", streamId: "a", position: 4, attempts: 0, error: null },
      { consumer: "all", streamId: "a", position: 5, attempts: 0, error: null },
    ]);
    for (const { parkedAt } of found) expect(Math.abs(Date.now() - parkedAt.getTime())).toBeLessThan(60_000);

    isBroken = false;
    expect(await retryParked(streams, "all")).toBe(3);
    await consumer.whenProcessed((await a.write(numbered(6))).position);
    await expect.poll(() => handled).toEqual([1, 2, 10, 3, 4, 5, 6]);
    expect(attempts.at(-1)).toBe(11);
  });

  test("that are asked for twice at once handle no event twice at the same time", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([1, 2, 3].map(numbered));
    const handled: unknown[] = [];
    let isBroken = true;
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: unbrokenHandler(handled, () => isBroken),
      },
      { retry: { attempts: 1 } },
    );
    await consumer.whenProcessed(3);
    isBroken = false;
    const released = await Promise.all([retryParked(streams, "all"), retryParked(streams, "all")]);
    expect(Math.max(...released)).toBe(3);
    await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
    expect(handled).toEqual([1, 2, 3]);
  });

  test("are none for an error that is not retryable", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    await using consumer = await consume(
      streams,
      { name: "all", startFrom: "beginning", handle: () => Promise.reject(new TypeError("no such thing")) },
      { retry: { ...AT_ONCE, retryable: (error) => !(error instanceof TypeError) } },
    );
    await consumer.whenProcessed(1);
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ attempts: 1, error: "no such thing" }]);
  });

  test("are none for an application's own kind of TerminalError", async () => {
    class CardExpired extends TerminalError {
      override readonly name = "CardExpired";
    }
    await using streams = await open();
    await writeToStreams(streams, 1);
    const failures: unknown[] = [];
    await using consumer = await consume(
      streams,
      { name: "all", startFrom: "beginning", handle: () => Promise.reject(new CardExpired("05/26")) },
      { retry: AT_ONCE, onError: ({ error, next }) => failures.push(String(error), next) },
    );
    await consumer.whenProcessed(1);
    expect(failures).toEqual(["CardExpired: 05/26", "park"]);
  });

  test("have no end where there is no limit", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    let attempts = 0;
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async (_event: StoredEvent, { attempt }) => {
          attempts = attempt;
          if (attempt < 15) throw new Error("not yet");
        },
      },
      { retry: { ...AT_ONCE, attempts: Number.POSITIVE_INFINITY } },
    );
    await consumer.whenProcessed(1);
    expect(attempts).toBe(15);
    expect(await listOf(parked(streams, "all"))).toEqual([]);
  });

  test("wait for as long as was decided when the event failed, also after a restart", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    await using streams = await open();
    await (await streams.openStream("a")).write(numbered(1));
    const attempts: number[] = [];
    const others: unknown[] = [];
    const failures: unknown[] = [];
    const start = () =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async ({ streamId, data }: StoredEvent, { attempt }) => {
            if (streamId !== "a") return void others.push(data);
            attempts.push(attempt);
            if (attempt === 1) throw new Error("broken");
          },
        },
        // The other stream has another partition.
        { partitions: 2, retry: { minDelayMs: A_MINUTE_MS }, onError: ({ next }) => failures.push(next) },
      );
    const first = await start();
    await expect.poll(() => failures).toEqual(["retry"]);
    await first.stop();
    const second = await start();
    const { position } = await (await streams.openStream("d")).write(numbered(2));
    await expect.poll(() => others).toEqual([2]);
    // The attempt would have begun by the time of these answers.
    for (let answers = 0; answers < 20; answers += 1) await second.lag();
    expect(attempts).toEqual([1]);
    await second.stop();

    const nowMs = Date.now() + A_MINUTE_MS;
    vi.spyOn(Date, "now").mockImplementation(() => nowMs);
    await using third = await start();
    await third.whenProcessed(position);
    expect(attempts).toEqual([1, 2]);
  });

  test("of a handler that ignores its signal wait for it, and it is reported after ten times its time", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const failures: string[] = [];
    let running = 0;
    let release = (): void => undefined;
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async (_event: StoredEvent, { attempt }) => {
          running += 1;
          expect(running).toBe(1);
          if (attempt === 1) {
            await new Promise<void>((resolve) => {
              release = resolve;
            });
          }
          running -= 1;
        },
      },
      {
        handlerTimeoutMs: 5,
        retry: AT_ONCE,
        onError: ({ error, attempt, next }) => failures.push(`${attempt} ${next} ${(error as Error).message}`),
      },
    );
    await expect.poll(() => failures.length).toBe(1);
    expect(failures[0]).toMatch(/^1 retry The handler still runs after 10 times handlerTimeoutMs \(5 ms\)/);
    release();
    await consumer.whenProcessed(1);
    expect(failures[1]).toMatch(/^1 retry The handler took longer than handlerTimeoutMs \(5 ms\)/);
  });
});
