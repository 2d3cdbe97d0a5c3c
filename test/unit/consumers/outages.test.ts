import { describe, expect, test } from "vitest";
import { CONSUMERS_SPACE } from "../../../src/administration/reserved-spaces.js";
import {
  type ConsumerDefinition,
  type ConsumerOptions,
  consume,
  parked,
  retryParked,
} from "../../../src/consumers/index.js";
import { overwrite } from "./support/lease-records.js";
import { listOf, numbered, STORES, type Store, writeToStreams } from "./support/stores.js";

/** No test waits for the pause between two tries in an outage. */
const LONG_PAUSE = { attempts: 2, minDelayMs: 1, maxDelayMs: 600_000, factor: 1 };

describe.each(STORES)("outages over %s", (_, open) => {
  test("that are over at a restart do not keep the first event waiting", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 6);
    const handled: unknown[] = [];
    const next: string[] = [];
    let isDown = true;
    const start = () =>
      startAll(streams, next, async ({ data }) => {
        if (isDown) throw new Error("down");
        handled.push(data);
      });
    const first = await start();
    await expect.poll(() => next).toContain("pause");
    await first.stop();
    isDown = false;
    await using second = await start();
    await second.whenProcessed(position);
    await expect.poll(() => [...handled].sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("go on after a stop in the middle of an attempt, which does not count", async () => {
    await using streams = await open();
    const position = await writeToStreams(streams, 4);
    const handled: unknown[] = [];
    const next: string[] = [];
    let isDown = true;
    let tries = 0;
    const start = () =>
      startAll(
        streams,
        next,
        async ({ data }, { signal }) => {
          if (!isDown) return void handled.push(data);
          // Two of each event that is parked and of the one that is not, and then what is under way for long.
          if (++tries > 6) await new Promise((resolve) => signal.addEventListener("abort", resolve));
          throw new Error("down");
        },
        { retry: { ...LONG_PAUSE, maxDelayMs: 1 } },
      );
    const first = await start();
    await expect.poll(() => tries).toBe(7);
    await first.stop({ drainMs: 0 });
    tries = 0;
    next.length = 0;
    const second = await start();
    await expect.poll(() => next).toContain("pause");
    await second.stop({ drainMs: 0 });
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);
    isDown = false;
    await using third = await start();
    await third.whenProcessed(position);
    await expect.poll(() => [...handled].sort()).toEqual([0, 1, 2, 3]);
  });

  test("go on after a process that was killed in the middle of an attempt", async () => {
    await using streams = await open();
    await writeToStreams(streams, 4);
    const next: string[] = [];
    const start = () => startAll(streams, next, async () => Promise.reject(new Error("down")));
    const first = await start();
    await expect.poll(() => next).toContain("pause");
    await first.stop();
    next.length = 0;
    // What is left of it: it had begun an attempt more than is allowed where there is no outage.
    const attempt = { position: 3, count: LONG_PAUSE.attempts, dueMs: 0 };
    await overwrite(streams, CONSUMERS_SPACE, "all/0", { owner: "gone", untilMs: 0, unsaved: 100, attempt });
    await using _second = await start();
    await expect.poll(() => next).toContain("pause");
    expect(await listOf(parked(streams, "all"))).toHaveLength(2);
  });

  test("of one process do not keep another waiting whose events succeed", async () => {
    await using streams = await open();
    const next: string[] = [];
    const handled: unknown[] = [];
    const options = { partitions: 2, leaseMs: 300 };
    const fails = async () => Promise.reject(new Error("down"));
    await using _broken = await startAll(streams, next, fails, options);
    await using _healthy = await startAll(streams, [], async ({ data }) => void handled.push(data), options);
    let round = 0;
    // One success ends the outage, and what comes next begins another.
    const pauses = () => next.filter((what, index) => what === "pause" && next[index - 1] !== "pause").length;
    await expect
      .poll(
        async () => {
          // What comes later in a stream of a parked event waits behind it.
          round += 1;
          const streamIds = Array.from({ length: 10 }, (_, index) => `${round}-${index}`);
          await streams.writeAll(streamIds.map((streamId) => ({ streamId, events: numbered(round) })));
          return pauses();
        },
        { timeout: 10_000, interval: 100 },
      )
      .toBeGreaterThan(2);
  });

  test("are over once a parked event succeeds that was asked for", async () => {
    await using streams = await open();
    const handled: unknown[] = [];
    const next: string[] = [];
    let isDown = true;
    await writeToStreams(streams, 2);
    await using _consumer = await startAll(streams, next, async ({ data }) => {
      if (isDown || data === "poison") throw new Error("down");
      handled.push(data);
    });
    await expect.poll(() => listOf(parked(streams, "all"))).toHaveLength(2);
    isDown = false;
    await retryParked(streams, "all");
    await expect.poll(() => handled).toEqual([0, 1]);
    const [poison, good] = await Promise.all([streams.openStream("poison"), streams.openStream("good")]);
    await poison.write({ type: "Numbered", data: "poison" });
    await good.write(numbered(2));
    await expect.poll(() => handled).toEqual([0, 1, 2]);
    expect(next).not.toContain("pause");
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ streamId: "poison" }]);
  });
});

function startAll(
  streams: Store,
  next: string[],
  handle: NonNullable<ConsumerDefinition["handle"]>,
  options: ConsumerOptions = {},
) {
  return consume(
    streams,
    { name: "all", startFrom: "beginning", handle },
    { retry: LONG_PAUSE, onError: (failure) => next.push(failure.next), ...options },
  );
}
