import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import {
  type ConsumerDefinition,
  type ConsumerFailure,
  consume,
  dropParked,
  parked,
  retryParked,
  TerminalError,
} from "../../../src/consumers/index.js";
import { Gate } from "../../conformance/support/transactions.js";
import { revoked } from "../../support/revoked.js";
import { collecting } from "./support/collecting.js";
import { listOf, numbered, STORES, writeToStreams } from "./support/stores.js";

const FAST = { attempts: 2, minDelayMs: 1, maxDelayMs: 20 };

/** Handles everything while nothing that it needs is down. */
function handling(handled: unknown[], isDown: () => boolean): ConsumerDefinition {
  return {
    name: "all",
    startFrom: "beginning",
    handle: async ({ data }) => {
      if (isDown()) throw new Error("down");
      handled.push(data);
    },
  };
}

describe.each(STORES)("failures over %s", (_, open) => {
  test("are tried again, with the number of the attempt, and reported", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const attempts: number[] = [];
    const failures: ConsumerFailure[] = [];
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async (_event: StoredEvent, { attempt }) => {
          attempts.push(attempt);
          if (attempt < 4) throw new Error(`no ${attempt}`);
        },
      },
      { retry: { minDelayMs: 1, maxDelayMs: 5 }, onError: (failure) => failures.push(failure) },
    );
    await consumer.whenProcessed(1);
    expect(attempts).toEqual([1, 2, 3, 4]);
    expect(failures.map(({ attempt, next }) => [attempt, next])).toEqual([
      [1, "retry"],
      [2, "retry"],
      [3, "retry"],
    ]);
    expect(failures.every(({ delayMs }) => delayMs >= 0 && delayMs <= 5)).toBe(true);
    expect(failures[0]).toMatchObject({ consumer: "all", error: { message: "no 1" }, event: { data: 0 } });
  });

  test("whose retryable throws are tried again, and parked in the end", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const attempts: unknown[] = [];
    const warnings: string[] = [];
    const onWarning = ({ message }: Error) => warnings.push(message);
    process.on("warning", onWarning);
    onTestFinished(() => void process.off("warning", onWarning));
    const retryable = (error: unknown): boolean => (error as { response: { status: number } }).response.status >= 500;
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async ({ data }: StoredEvent) => {
          attempts.push(data);
          if (data === 0) throw new Error("no response");
        },
      },
      { retry: { ...FAST, retryable } },
    );
    await consumer.whenProcessed(2);
    expect(attempts).toEqual([0, 0, 1]);
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ position: 1, attempts: 2, error: "no response" }]);
    await expect
      .poll(() => warnings)
      .toContainEqual(expect.stringContaining('retry.retryable of consumer "all" threw'));
  });

  test("of a handler that takes too long abort it, and count once it has settled", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    let running = 0;
    const errors: unknown[] = [];
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async (_event: StoredEvent, { attempt, signal }) => {
          running += 1;
          expect(running).toBe(1);
          if (attempt === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
          running -= 1;
        },
      },
      { handlerTimeoutMs: 20, retry: FAST, onError: ({ error }) => errors.push(error) },
    );
    await consumer.whenProcessed(1);
    expect(errors).toEqual([expect.objectContaining({ message: expect.stringContaining("handlerTimeoutMs (20 ms)") })]);
  });

  test("end the consumer with onExhausted stop, and the next start tries the event again", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const attempts: unknown[] = [];
    let isBroken = true;
    const definition: ConsumerDefinition = {
      name: "all",
      startFrom: "beginning",
      handle: async ({ data }, { attempt }) => {
        attempts.push([data, attempt]);
        if (isBroken) throw new Error("broken");
      },
    };
    const options = { retry: FAST, onExhausted: "stop" } as const;
    const consumer = await consume(streams, definition, options);
    await expect(consumer.ended).rejects.toThrow("broken");
    isBroken = false;
    await using again = await consume(streams, definition, options);
    await again.whenProcessed(2);
    expect(attempts).toEqual([
      [0, 1],
      [0, 2],
      [0, 2],
      [1, 1],
    ]);
  });

  test("of infinite attempts wait for no longer than the limits say, and end the consumer with what is terminal", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const failures: ConsumerFailure[] = [];
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async (_event: StoredEvent, { attempt }) => {
          throw attempt < 4 ? new Error(`no ${attempt}`) : new TerminalError("never");
        },
      },
      {
        retry: { attempts: Number.POSITIVE_INFINITY, minDelayMs: 0, factor: Number.MAX_VALUE },
        onExhausted: "stop",
        onError: (failure) => failures.push(failure),
      },
    );
    await expect(consumer.ended).rejects.toThrow("never");
    expect(failures.map(({ next, delayMs }) => [next, delayMs])).toEqual([
      ["retry", 0],
      ["retry", 0],
      ["retry", 0],
      ["stop", 0],
    ]);
    await consumer.stop();
    const handled: unknown[] = [];
    await using again = await consume(streams, collecting(handled));
    await again.whenProcessed(1);
    expect(handled).toEqual([0]);
  });

  test("of everything pause the consumer: two events are parked at most, and tried again once it is over", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 10);
    const handled: unknown[] = [];
    const next: string[] = [];
    const told: unknown[] = [];
    const listener = (message: unknown): void => void told.push(message);
    subscribe("async-streams:consumer", listener);
    onTestFinished(() => void unsubscribe("async-streams:consumer", listener));
    let isDown = true;
    await using consumer = await consume(
      streams,
      handling(handled, () => isDown),
      { retry: FAST, onError: (failure) => next.push(failure.next) },
    );
    await expect.poll(() => next.filter((what) => what === "pause").length).toBeGreaterThan(3);
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);
    expect(next.filter((what) => what === "park")).toHaveLength(2);
    expect(told).toContainEqual(expect.objectContaining({ consumer: "all", kind: "paused", delayMs: 20 }));
    isDown = false;
    await consumer.whenProcessed(position);
    await expect.poll(() => handled.length).toBe(10);
    expect([...handled].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await listOf(parked(streams, "all"))).toEqual([]);
  });

  test("of everything pause the consumer through restarts, and what was parked before is tried again", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 10);
    const handled: unknown[] = [];
    let isDown = true;
    const start = async (next: string[]) =>
      consume(
        streams,
        handling(handled, () => isDown),
        { retry: FAST, onError: (failure) => next.push(failure.next) },
      );
    for (let restart = 0; restart < 3; restart += 1) {
      const next: string[] = [];
      const consumer = await start(next);
      await expect.poll(() => next).toContain("pause");
      await consumer.stop();
      expect(await listOf(parked(streams, "all"))).toHaveLength(2);
    }
    isDown = false;
    await using consumer = await start([]);
    await consumer.whenProcessed(position);
    await expect.poll(() => [...handled].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await listOf(parked(streams, "all"))).toEqual([]);
  });

  test("of everything pause all who run the consumer, and whoever succeeds first lets the others go on", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 20);
    const handled: unknown[] = [];
    let isDown = true;
    const nexts: string[][] = [[], []];
    const [one, other] = await Promise.all(
      nexts.map((next) =>
        consume(
          streams,
          handling(handled, () => isDown),
          { partitions: 2, leaseMs: 900, retry: FAST, onError: (failure) => next.push(failure.next) },
        ),
      ),
    );
    for (const next of nexts) await expect.poll(() => next).toContain("pause");
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);
    isDown = false;
    await Promise.all([one?.whenProcessed(position), other?.whenProcessed(position)]);
    await expect.poll(() => new Set(handled).size).toBe(20);
    await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
    expect(handled).toHaveLength(20);
    await Promise.all([one?.stop(), other?.stop()]);
  });

  test("of several streams are parked where others succeed in between, before and after a restart", async () => {
    await using streams = await open();
    const failures: unknown[] = [];
    const position = await writeToStreams(streams, 8);
    const isPoison = (data: unknown): boolean => (data as number) % 2 === 1;
    const run = () =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async ({ data }) => {
            if (isPoison(data)) throw new Error("poison");
          },
        },
        { partitions: 1, retry: FAST, onError: ({ next }) => next === "pause" && failures.push(next) },
      );
    const first = await run();
    await first.whenProcessed(position);
    await first.stop();
    await using second = await run();
    await second.whenProcessed(position);
    expect((await listOf(parked(streams, "all"))).map(({ streamId }) => streamId)).toHaveLength(4);
    expect(failures).toEqual([]);
  });

  test("beyond maxParked end the consumer, which says so once", async () => {
    await using streams = await open();
    const warning = new Promise<Error>((resolve) => process.once("warning", resolve));
    await (await streams.openStream("a")).write([numbered(1), numbered(2), numbered(3), numbered(4)]);
    const consumer = await consume(
      streams,
      { name: "all", startFrom: "beginning", handle: async () => Promise.reject(new Error("broken")) },
      { retry: FAST, maxParked: 2 },
    );
    await expect(consumer.ended).rejects.toThrow("maxParked (2)");
    expect((await warning).message).toMatch(/^Consumer "all" in \S+ has ended: more than maxParked/);
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);
  });

  test("of an event that is one too many to be parked are reported, too", async () => {
    await using streams = await open();
    await writeToStreams(streams, 2);
    const failures: unknown[] = [];
    await using consumer = await consume(
      streams,
      { name: "all", startFrom: "beginning", handle: async ({ data }) => Promise.reject(new Error(`broken ${data}`)) },
      { retry: { ...FAST, attempts: 1 }, maxParked: 1, onError: ({ error }) => failures.push(error) },
    );
    await expect(consumer.ended).rejects.toThrow("maxParked (1)");
    expect(failures).toMatchObject([{ message: "broken 0" }, { message: "broken 1" }]);
  });

  test("of parked events park them again, and one that is dropped lets those behind it go on", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([numbered(1), numbered(2), numbered(3)]);
    const handled: unknown[] = [];
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async ({ data }) => {
          if (data === 1) throw new Error("broken");
          handled.push(data);
        },
      },
      { retry: FAST },
    );
    await consumer.whenProcessed(3);
    expect(await retryParked(streams, "all", { streamId: "other" })).toBe(0);
    expect(await retryParked(streams, "all", { streamId: "a" })).toBe(3);
    await expect.poll(async () => (await listOf(parked(streams, "all")))[0]?.attempts).toBe(3);
    expect(await listOf(parked(streams, "all"))).toMatchObject([
      { position: 1, attempts: 3, error: "broken" },
      { position: 2, attempts: 0, error: null },
      { position: 3, attempts: 0, error: null },
    ]);
    expect(handled).toEqual([]);

    expect(await dropParked(streams, "all", { position: 1 })).toBe(true);
    expect(await dropParked(streams, "all", { position: 1 })).toBe(false);
    await expect.poll(() => handled).toEqual([2, 3]);
    await expect.poll(async () => listOf(parked(streams, "all"))).toEqual([]);
    expect(await consumer.lag()).toMatchObject({ parked: 0 });
  });

  test("in a transaction undo what it did", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    await using consumer = await consume(
      streams,
      {
        name: "all",
        types: ["Numbered"],
        startFrom: "beginning",
        transact: async (_event: StoredEvent, tx, { attempt }) => {
          await tx.write("b", { type: "Tried", data: attempt });
          await tx.records.put("tries", "last", { attempt });
          if (attempt === 1) throw new Error("not yet");
        },
      },
      { retry: FAST },
    );
    await consumer.whenProcessed(1);
    expect((await listOf((await streams.openStream("b")).read())).map(({ data }) => data)).toEqual([2]);
    expect(await streams.transaction(async (tx) => (await tx.records.get("tries", "last"))?.value)).toEqual({
      attempt: 2,
    });
  });

  test("of a transaction that ends before its handler abort it, and count once it has settled", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    let running = 0;
    const runningAtStart: number[] = [];
    const reasons: unknown[] = [];
    const held = new Gate();
    const transact: ConsumerDefinition["transact"] = async (_event, _tx, { attempt, signal }) => {
      runningAtStart.push(running);
      running += 1;
      signal.addEventListener("abort", () => reasons.push(signal.reason));
      if (attempt === 1) await held.opened;
      running -= 1;
    };
    await using consumer = await consume(streams, { name: "all", startFrom: "beginning", transact }, { retry: FAST });
    await expect.poll(() => reasons, { timeout: 10_000 }).toMatchObject([{ code: "TRANSACTION_TIMEOUT" }]);
    // The next attempt would have begun by the time of these answers.
    for (let answers = 0; answers < 20; answers += 1) await consumer.lag();
    expect(runningAtStart).toEqual([0]);
    held.open();
    await consumer.whenProcessed(1);
    expect(runningAtStart).toEqual([0, 0]);
  });

  test("of an event that is given up while it is tried again park it no more", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(numbered(1));
    let fail = (): void => undefined;
    let attempts = 0;
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async () => {
          attempts += 1;
          if (attempts === 2) {
            await new Promise<void>((resolve) => {
              fail = resolve;
            });
          }
          throw new Error("broken");
        },
      },
      { retry: { attempts: 1 } },
    );
    await consumer.whenProcessed(1);
    await retryParked(streams, "all");
    await expect.poll(() => attempts).toBe(2);
    expect(await dropParked(streams, "all", { position: 1 })).toBe(true);
    fail();
    const { position } = await (await streams.openStream("b")).write({ type: "@@none".slice(2), data: null });
    await consumer.whenProcessed(position).catch(() => undefined);
    expect((await listOf(parked(streams, "all"))).map((each) => each.position)).not.toContain(1);
  });

  test.each([
    ["nothing", undefined, "undefined"],
    ["a text", "broken", "broken"],
    ["an object without a text", Object.create(null), expect.any(String)],
    ["an object that cannot be looked at", () => revoked(), expect.any(String)],
    ["an error whose message is no text", Object.assign(new Error("x"), { message: 5n }), "5"],
    ["an error with a character that texts of databases lack", new Error("a\0b\ud800"), expect.stringMatching(/^a/)],
    ["an error with a message of 3 million characters", new Error("x".repeat(3_000_000)), expect.stringMatching(/^x/)],
  ])("may throw %s: the event is parked, and others are handled", async (_name, thrown, error) => {
    await using streams = await open();
    const head = await writeToStreams(streams, 2);
    const handled: unknown[] = [];
    const handle = ({ data }: StoredEvent): Promise<void> => {
      if (data === 0) throw typeof thrown === "function" ? thrown() : thrown;
      handled.push(data);
      return Promise.resolve();
    };
    await using consumer = await consume(streams, { name: "all", startFrom: "beginning", handle }, { retry: FAST });
    await consumer.whenProcessed(head);
    expect(handled).toEqual([1]);
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ streamId: "s-0", error }]);
  });

  test("that end the consumer are a warning, and its lag can still be asked", async () => {
    await using streams = await open();
    await writeToStreams(streams, 1);
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on("warning", onWarning);
    try {
      const consumer = await consume(
        streams,
        { name: "all", startFrom: "beginning", handle: async () => Promise.reject(new Error("broken")) },
        { retry: FAST, onExhausted: "stop" },
      );
      await expect(consumer.ended).rejects.toThrow("broken");
      await consumer.stop();
      await expect.poll(() => warnings).toMatchObject([{ code: "CONSUMER_ENDED" }]);
      expect(warnings[0]?.message).toMatch(/Consumer "all" in .* has ended: broken/);
      expect(await consumer.lag()).toMatchObject({ events: 1 });
    } finally {
      process.off("warning", onWarning);
    }
  });
});
