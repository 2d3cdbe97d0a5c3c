import { createHash, randomUUID } from "node:crypto";
import { isStreamError, type JsonObject } from "async-streams";
import { HOST, isRunning } from "../store/running-process.js";
import type { Store } from "../store/store.js";

const SPACE = "openfroyo.applying";
const RENEW_MS = 5_000;
/** Whoever has not renewed a lease for so long has it no more. */
const LEASE_MS = 30_000;

/** The leases of this process: in a container, its id may be that of a former one. */
const held = new Set<string>();

/** The right to change a target, which one process has at a time. */
export interface TargetLease extends AsyncDisposable {
  /** @throws Error when another process may have it by now, since this one was held up for too long */
  check(): void;
}

/**
 * Takes the lease of a target. That of a process of this machine that was killed is free at once, and that of another machine
 * when it was not renewed.
 *
 * @throws Error when another process has it
 */
export async function takeTargetLease(store: Store, target: string): Promise<TargetLease> {
  const id = randomUUID();
  const key = createHash("sha256").update(target).digest("hex");
  const isTaken = () => new Error(`another process applies a plan to ${target}; wait until it has ended`);
  let renewedAtMs = 0;
  let revision = 0;

  async function write(isFirst: boolean): Promise<void> {
    const nowMs = Date.now();
    revision = await store.withTx(async ({ records }) => {
      const found = isFirst ? await records.get(SPACE, key) : null;
      if (found !== null && isHeld(found.value)) throw isTaken();
      const value = { id, host: HOST, pid: process.pid, renewedAtMs: nowMs };
      return records.put(SPACE, key, value, found?.revision ?? revision);
    });
    renewedAtMs = nowMs;
  }

  // Before it is written: a transaction after it may look before this one has its answer.
  held.add(id);
  await write(true).catch((error: unknown) => {
    held.delete(id);
    throw isStreamError(error, "RECORD_CONFLICT") ? isTaken() : error;
  });
  let writing: Promise<void> = Promise.resolve();
  // One that fails is tried again with the next one, and `check` says when that is too late.
  const renew = () => {
    writing = writing.then(() => write(false)).catch(() => undefined);
  };
  const timer = setInterval(renew, RENEW_MS).unref();

  return {
    check() {
      if (Date.now() - renewedAtMs >= LEASE_MS) throw isTaken();
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      held.delete(id);
      await writing;
      // One that cannot be given back ends by itself.
      await store.withTx(({ records }) => records.delete(SPACE, key, revision)).catch(() => undefined);
    },
  };
}

function isHeld({ id, host, pid, renewedAtMs }: JsonObject): boolean {
  if (Date.now() - Number(renewedAtMs) >= LEASE_MS) return false;
  if (host !== HOST) return true;
  return pid === process.pid ? held.has(String(id)) : isRunning(Number(pid));
}
