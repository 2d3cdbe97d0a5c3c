import { randomUUID } from "node:crypto";
import { RecordConflictError, type Records, type StoredRecord } from "../../protocols/index.js";
import { isRunning } from "../leases/held-leases.js";
import { type AdministrationContext, transactInStep } from "./administration-context.js";
import { RETENTION_SPACE } from "./reserved-spaces.js";

/** How long a lease lasts unless it is renewed. A process that was killed holds up the others for so long. */
const RETENTION_LEASE_MS = 60_000;

const KEY = "lease";
const ATTEMPT = "apply retention";

/**
 * Whose turn it is to apply retention: a record, so that several processes do not do the same work. Where clocks differ, two
 * may do it at once: each removal asks in its own transaction what may go, and who has lost the lease ends at the next renewal.
 */
export class RetentionLease {
  readonly #context: AdministrationContext;
  readonly #owner = randomUUID();
  #revision = 0;

  private constructor(context: AdministrationContext) {
    this.#context = context;
  }

  /** Takes the lease; null while another process has it. */
  static async take(context: AdministrationContext): Promise<RetentionLease | null> {
    const lease = new RetentionLease(context);
    const revision = await transactInStep(context, ATTEMPT, async ({ records }) => {
      const found = await records.get(RETENTION_SPACE, KEY);
      return isTaken(found) ? null : records.put(RETENTION_SPACE, KEY, lease.#value(), found?.revision ?? 0);
    });
    if (revision === null) return null;
    lease.#revision = revision;
    return lease;
  }

  /** Whether a process has the lease. */
  static async isTaken(records: Pick<Records, "list">): Promise<boolean> {
    const [found] = await records.list(RETENTION_SPACE, { prefix: KEY, limit: 1 });
    return isTaken(found ?? null);
  }

  /** Keeps it for longer; false when another process has taken it, because it had run out. */
  async renew(): Promise<boolean> {
    try {
      this.#revision = await transactInStep(this.#context, ATTEMPT, ({ records }) =>
        records.put(RETENTION_SPACE, KEY, this.#value(), this.#revision),
      );
      return true;
    } catch (error) {
      if (error instanceof RecordConflictError) return false;
      throw error;
    }
  }

  /** Gives it back. Where that fails it runs out. */
  async release(): Promise<void> {
    const { storage, lifetime } = this.#context;
    if (lifetime.closed) return;
    await storage
      .transact(({ records }) => records.delete(RETENTION_SPACE, KEY, this.#revision), {})
      .catch(() => undefined);
  }

  #value(): { readonly owner: string; readonly untilMs: number } {
    return { owner: this.#owner, untilMs: Date.now() + RETENTION_LEASE_MS };
  }
}

/** One that ends later than any lease that begins now is of a clock that was ahead: whoever had it may be dead. */
function isTaken(found: StoredRecord | null): boolean {
  const untilMs = found?.value.untilMs;
  return typeof untilMs === "number" && isRunning({ untilMs, leaseMs: RETENTION_LEASE_MS });
}
