import { setTimeout as delay } from "node:timers/promises";
import type { JsonObject, StoredRecord } from "../../protocols/index.js";
import { isRunning } from "../leases/held-leases.js";
import { Sightings } from "../leases/sightings.js";
import type { StreamContext } from "../stream/stream-impl.js";

/** Timers may fire a little early. */
const EARLY_MS = 1;

const seenLeases = new WeakMap<object, Sightings>();

/** What this process has seen of the leases of a store's former builds: it has to make sure of one that is dead only once. */
export function seenLeasesOf(storage: object): Sightings {
  const found = seenLeases.get(storage) ?? new Sightings();
  seenLeases.set(storage, found);
  return found;
}

/** Whether it is a build of a projection that another was shown in place of. */
export function isFormerBuild(key: string, live: ReadonlyMap<string, JsonObject>): boolean {
  const [, name = "", version, generation = 0] = /^(\w+)@(\d+)(?:\.(\d+))?$/.exec(key) ?? [];
  const shown = live.get(name);
  if (shown === undefined) return false;
  const [shownVersion, shownGeneration] = [Number(shown.version), Number(shown.generation)];
  if (Number(version) !== shownVersion) return Number(version) < shownVersion;
  return Number(generation) < shownGeneration;
}

/**
 * After how many milliseconds it is sure that nobody runs a build, unless its lease is renewed meanwhile: 0 when it is sure now,
 * infinity where the clocks agree that the lease is not over. No clock alone says that a process is dead: its own may be behind.
 */
export function goneInMs({ key, value }: Omit<StoredRecord, "revision">, seen: Sightings): number {
  if (value.owner === null) return 0;
  const lease = { untilMs: Number(value.untilMs), leaseMs: Number(value.leaseMs) };
  // Not its revision: inline projections write the record as well, and leave the lease as it is.
  const unchangedForMs = seen.unchangedForMs(key, lease.untilMs);
  return isRunning(lease) ? Number.POSITIVE_INFINITY : Math.max(0, lease.leaseMs - unchangedForMs);
}

/**
 * Waits until leases have been seen for as long as they last. The disposal of the store ends it.
 *
 * @throws the signal's reason
 */
export async function waitToBeSure(
  { lifetime }: Pick<StreamContext, "lifetime">,
  goneMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  // The next step says so.
  if (lifetime.closed) return;
  const disposed = new AbortController();
  const member = { close: () => disposed.abort() };
  lifetime.add(member);
  const ended = AbortSignal.any([disposed.signal, ...(signal === undefined ? [] : [signal])]);
  // What it rejects with is not the signal's reason.
  await delay(goneMs + EARLY_MS, undefined, { signal: ended }).catch(() => undefined);
  lifetime.delete(member);
  signal?.throwIfAborted();
}
