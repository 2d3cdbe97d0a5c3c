import { test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { type ConsumerFailure, consume, parked, retryParked } from "../../../src/consumers/index.js";
import { type Projection, runProjections } from "../../../src/projections/index.js";
import { listOf, STORES, writeToStreams } from "./support/stores.js";

/** The number of the event whose commit takes too long once, as where the process is suspended, and of the one that always does. */
const SUSPENDED = 0;
const SLOW = 1;

/** Takes part in the commits of what the consumer stores, and never ends with some of it. */
function holdingCommits(): Projection {
  let wasSuspended = false;
  return {
    name: "holding",
    types: ["Noted"],
    async project([event]) {
      const isSuspended = event?.data === SUSPENDED && !wasSuspended;
      wasSuspended ||= isSuspended;
      if (isSuspended || event?.data === SLOW) await new Promise(() => undefined);
    },
  };
}

test.concurrent.for(STORES)(
  "an event whose transaction runs out of time once its handler has ended gets a second time over %s; from then on it fails as any other",
  async ([_, open], { expect }) => {
    await using streams = await open();
    await using _projections = await runProjections(streams, [holdingCommits()], { mode: "inline" });
    await writeToStreams(streams, 3);
    const attempts: string[] = [];
    const failures: ConsumerFailure[] = [];
    await using consumer = await consume(
      streams,
      {
        name: "all",
        types: ["Numbered"],
        startFrom: "beginning",
        transact: async ({ data }: StoredEvent, tx, { attempt }) => {
          attempts.push(`${data} for the ${attempt}`);
          await tx.write("notes", { type: "Noted", data });
        },
      },
      { retry: { attempts: 2, minDelayMs: 1, maxDelayMs: 5 }, onError: (failure) => failures.push(failure) },
    );
    await consumer.whenProcessed(3, { timeoutMs: 40_000 });
    expect((await listOf((await streams.openStream("notes")).read())).map(({ data }) => data)).toEqual([SUSPENDED, 2]);
    const seen = [
      [SUSPENDED, 1],
      [SUSPENDED, 1],
      [SLOW, 1],
      [SLOW, 1],
      [SLOW, 2],
      [2, 1],
    ];
    expect(attempts).toEqual(seen.map(([data, attempt]) => `${data} for the ${attempt}`));
    const slow = { event: { data: SLOW }, error: { code: "TRANSACTION_TIMEOUT" } };
    expect(failures).toMatchObject([
      { ...slow, attempt: 1, next: "retry" },
      { ...slow, attempt: 2, next: "park" },
    ]);
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ position: 2, attempts: 2 }]);

    await retryParked(streams, "all");
    await expect.poll(() => failures.length, { timeout: 40_000 }).toBe(3);
    expect(failures[2]).toMatchObject({ ...slow, attempt: 3, next: "park" });
    await expect.poll(() => listOf(parked(streams, "all"))).toMatchObject([{ position: 2, attempts: 3 }]);
  },
);
