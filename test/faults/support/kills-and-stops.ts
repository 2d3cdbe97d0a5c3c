import { setTimeout as delay } from "node:timers/promises";
import type { NodeProcess } from "../../support/node-process.js";
import type { Laboratory } from "./fault-test.js";

const PROCESSES = 3;
const STEPS = { quick: 4, soak: 6 };

/** What processes do that are killed and stopped. */
export interface KilledAndStopped {
  /** How long a lease of theirs lasts. */
  readonly leaseMs: number;
  /** How many run at a time. Default 3. */
  readonly processes?: number;
  /** Starts one more of them; a step after the last is for those that come to an end. */
  readonly start: (step: number) => NodeProcess;
  /** Gives them work, and waits until the newest of them takes part. */
  readonly work: (newest: NodeProcess) => Promise<void>;
  /** Waits until all that work is done, by processes that nobody kills any more. */
  readonly done: () => Promise<void>;
}

/** Kills processes that share work under leases, or stops them for longer than a lease, and starts others. */
export async function killAndStop(
  { size, random, integer, count }: Laboratory,
  { leaseMs, processes: atATime = PROCESSES, start, work, done }: KilledAndStopped,
): Promise<void> {
  const steps = STEPS[size];
  const processes: NodeProcess[] = [];
  const startMissing = (step: number) => {
    while (processes.length < atATime) processes.push(start(step));
  };
  try {
    for (let step = 0; step < steps; step += 1) {
      startMissing(step);
      await work(processes.at(-1) as NodeProcess);
      await delay(integer(0, 300));
      const [chosen] = processes.splice(integer(0, atATime - 1), 1) as [NodeProcess];
      if (random() < 0.4) {
        processes.push(chosen);
        // Longer than its lease: others go on with what it has, and it must not.
        chosen.signal("SIGSTOP");
        await delay(2 * leaseMs);
        chosen.signal("SIGCONT");
        count("stopped for longer than the lease");
      } else {
        await chosen.kill();
        count("kills");
      }
    }
    startMissing(steps);
    await done();
  } finally {
    for (const process of processes) await process.kill();
  }
}
