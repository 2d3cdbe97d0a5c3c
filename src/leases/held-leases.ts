import { setTimeout as delay } from "node:timers/promises";

/** A lease that somebody holds, as its record says. */
export interface HeldLease {
  readonly key: string;
  /** When it ends by the clock of its holder, in milliseconds since 1970. */
  readonly untilMs: number;
  /** How long it lasts unless it is renewed. */
  readonly leaseMs: number;
}

/** How often leases are looked at in the time that they last, in which a living holder renews them three times. */
const LOOKS_PER_LEASE = 6;

/**
 * Tells whether the holders of leases are gone, for those who delete what a living one needs: then no fence makes it harmless to be
 * early. The clocks of two processes may differ, and jump. So a lease that is over may have a holder who still renews it, and
 * one that ends far in the future may have a dead one. A holder is gone when its lease was not renewed for as long as it
 * lasts, by the clock that does not jump. Only where the clocks agree that a lease is not over, nobody needs to wait.
 */
export class HeldLeases {
  #seen: ReadonlyMap<string, number> | undefined;
  #sinceMs = 0;

  /** Looks at the leases as they are now. @returns milliseconds: after these it is to look again */
  look(leases: readonly HeldLease[]): "held" | "gone" | number {
    if (this.#seen === undefined) {
      this.#seen = new Map(leases.map(({ key, untilMs }) => [key, untilMs]));
      this.#sinceMs = performance.now();
      if (leases.some(isRunning)) return "held";
    }
    // Renewed, or another's.
    if (leases.some(({ key, untilMs }) => this.#seen?.get(key) !== untilMs)) return "held";
    const times = leases.map(({ leaseMs }) => leaseMs);
    const leftMs = Math.max(0, ...times) - (performance.now() - this.#sinceMs);
    return leases.length === 0 || leftMs <= 0 ? "gone" : Math.min(leftMs, Math.min(...times) / LOOKS_PER_LEASE);
  }
}

/** Whether a lease is not over, as far as clocks agree. Two that agree may still differ a little. */
export function isRunning({ untilMs, leaseMs }: Omit<HeldLease, "key">): boolean {
  const leftMs = untilMs - Date.now();
  return leftMs > 0 && leftMs <= 2 * leaseMs;
}

/** Does something again as long as its result says that it is to look at the leases again. */
export async function onceKnown<Result>(work: (leases: HeldLeases) => Promise<Result | number>): Promise<Result> {
  const leases = new HeldLeases();
  for (;;) {
    const result = await work(leases);
    if (typeof result !== "number") return result;
    await delay(result);
  }
}
