import { expect } from "vitest";
import { parked } from "../../../src/consumers/index.js";
import { listOf } from "../../unit/consumers/support/stores.js";
import type { FailingConfig } from "../fixtures/failing-process.js";
import { type Backend, backendsHere } from "../support/backends.js";
import { fasterEnvironment } from "../support/faketime.js";
import { faultTest, leftOut } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { openStoreAt } from "../support/store-address.js";

const BACKENDS = backendsHere();

/** By the clock of the processes. A soak run waits for as long; beside the other tests their time passes so many times faster. */
const OUTAGE_MS = 10 * 60_000;
const FASTER = { quick: 60, soak: 1 };
const STREAMS = 10;
const EVENTS_A_STREAM = 4;
/** One that does all, and several that share it. */
const SHARES = [
  { processes: 1, partitions: 1 },
  { processes: 2, partitions: 4 },
];
const LONG_PATIENCE = { timeout: 1.5 * OUTAGE_MS, interval: 100 };
/** The next try after the outage may be a minute away. */
const PATIENCE = { timeout: 300_000, interval: 100 };

const NAME = "R55 an outage of ten minutes parks two events at most, and all are handled in order when it is over";

faultTest(NAME, { quick: 1, soak: 1 }, async ({ size, count }) => {
  const env = fasterEnvironment(FASTER[size]);
  if (env === undefined) return leftOut(NAME, "faketime is not installed");
  const outages = BACKENDS.flatMap((backend) => SHARES.map((share) => outage(backend, share, env)));
  for (const { mostParked, pauses } of await Promise.all(outages)) {
    count("outages");
    count("events", STREAMS * EVENTS_A_STREAM);
    count("parked events", mostParked);
    count("pauses", pauses);
  }
});

async function outage(backend: Backend, share: (typeof SHARES)[number], env: NodeJS.ProcessEnv) {
  await using created = await backend.createAddress();
  const { address } = created;
  await using streams = await openStoreAt(address);
  for (let version = 1; version <= EVENTS_A_STREAM; version += 1) {
    await streams.writeAll(
      Array.from({ length: STREAMS }, (_, index) => ({
        streamId: `s-${index}`,
        events: { type: "Called", data: version },
      })),
    );
  }
  const config: FailingConfig = { address, partitions: share.partitions, outageMs: OUTAGE_MS };
  const processes = Array.from({ length: share.processes }, () =>
    startFixture("failing-process.ts", { args: [JSON.stringify(config)], env }),
  );
  const linesOf = (kind: string) => processes.flatMap(({ lines }) => lines.filter((line) => line.startsWith(kind)));
  const parkedNow = async () => (await listOf(parked(streams, "calling"))).length;
  let mostParked = 0;
  try {
    await expect
      .poll(async () => {
        mostParked = Math.max(mostParked, await parkedNow());
        return processes.every(({ lines }) => lines.includes("over"));
      }, LONG_PATIENCE)
      .toBe(true);
    expect(mostParked).toBeLessThanOrEqual(2);
    // It was long enough to be known as one.
    const pauses = linesOf("pause").length;
    expect(pauses).toBeGreaterThan(0);

    for (const process of processes) process.say("up");
    await expect.poll(() => new Set(linesOf("handled")).size, PATIENCE).toBe(STREAMS * EVENTS_A_STREAM);
    await expect.poll(parkedNow, PATIENCE).toBe(0);
    for (const { lines } of processes) expectInOrder(lines);
    return { mostParked, pauses };
  } finally {
    for (const process of processes) await process.kill();
  }
}

function expectInOrder(lines: readonly string[]): void {
  const last = new Map<string, number>();
  for (const line of lines) {
    const [kind, streamId = "", version] = line.split(" ");
    if (kind !== "handled") continue;
    expect(Number(version)).toBeGreaterThanOrEqual(last.get(streamId) ?? 1);
    last.set(streamId, Number(version));
  }
}
