import { monitorEventLoopDelay } from "node:perf_hooks";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { WorkerThread } from "../../unit/worker/support/worker-thread.js";
import { faultTest } from "../support/fault-test.js";

const STREAMS = 100;
const EVENTS = { quick: 10_000, soak: 1_000_000 };
const WRITE_EVENTS = 1_000;
/** What else the machine does makes a thread late, too: the best of so many counts. */
const MAX_TRIES = { quick: 1, soak: 3 };
/** Beside other tests the machine says how late a thread is. One that is blocked by the projection is later than this. */
const MOST_P99_MS = { quick: 1_000, soak: 10 };
const NANOSECONDS_PER_MS = 1e6;

faultTest(
  "R63 a rebuild in a worker thread leaves the event loop of the main thread free",
  { quick: 1, soak: 1 },
  async ({ size, count }) => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("events.db"), { driver: "sqlite3" });
    const deposits = Array.from({ length: WRITE_EVENTS }, () => ({ type: "Deposited", data: { amount: 1 } }));
    let position = 0;
    while (position < EVENTS[size]) {
      const stream = await streams.openStream(`s-${(position / WRITE_EVENTS) % STREAMS}`);
      ({ position } = await stream.write(deposits));
    }
    const task = { kind: "project", path: folder.file("models.db"), position, rebuilds: MAX_TRIES[size] } as const;
    await using worker = new WorkerThread(streams, task);
    let best = Number.POSITIVE_INFINITY;
    for (let number = 1; number <= MAX_TRIES[size] && best >= MOST_P99_MS[size]; number += 1) {
      await worker.report(`before rebuild ${number}`);
      const delay = monitorEventLoopDelay({ resolution: 1 });
      delay.enable();
      const rows = (await worker.report(`after rebuild ${number}`)) as readonly { readonly balance: number }[];
      delay.disable();
      expect(rows.reduce((sum, { balance }) => sum + balance, 0)).toBe(position);
      best = Math.min(best, delay.percentile(99) / NANOSECONDS_PER_MS);
    }
    expect(best).toBeLessThan(MOST_P99_MS[size]);
    count("most ms of p99", Math.ceil(best));
    count("events", position);
  },
);
