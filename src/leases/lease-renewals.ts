import type { Records } from "../../protocols/index.js";
import type { StoreAccess } from "../transaction/store-access.js";
import { isPassingFailure } from "./passing-failure.js";
import { SharedRecords } from "./shared-records.js";
import { takeBack, type Undo } from "./undo.js";

/** Timers for one moment fire within a few milliseconds of each other: so long the first waits for the others. */
const COLLECT_MS = 5;

/** How many leases one transaction renews: who writes meanwhile waits for it. */
const MAX_LEASES = 64;

/** How long one transaction may take. */
const TIMEOUT_MS = 10_000;

/** Renews one lease within a transaction. May be called again, once what it did before is taken back. */
export type Renew = (records: Records, undo: Undo) => Promise<void>;

/** Runs a transaction over the records of a store. */
export type RunRecords = (work: (records: Records) => Promise<void>) => Promise<void>;

interface Due {
  readonly renew: Renew;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const renewals = new WeakMap<object, LeaseRenewals>();

/** The renewals of this process over a store, or over what else has records. */
export function leaseRenewalsOf(store: object, run: RunRecords): LeaseRenewals {
  const found = renewals.get(store) ?? new LeaseRenewals(run);
  renewals.set(store, found);
  return found;
}

/** The renewals of this process over an event store. */
export function storeLeaseRenewals(access: StoreAccess): LeaseRenewals {
  const attempt = "renew leases";
  return leaseRenewalsOf(access, (work) =>
    access.run(attempt, (_, call) => call(attempt, ({ records }) => work(records)), {
      timeoutMs: TIMEOUT_MS,
      signal: undefined,
    }),
  );
}

/**
 * Renews the leases of a process that are due at the same moment in one transaction. One that fails does not fail the others:
 * then each is renewed in a transaction of its own.
 */
export class LeaseRenewals {
  readonly #run: RunRecords;
  #due: Due[] = [];

  constructor(run: RunRecords) {
    this.#run = run;
  }

  /**
   * Renews a lease together with others. Resolves when it is committed.
   *
   * @throws whatever `renew` throws, or the transaction
   */
  renew(renew: Renew): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#due.push({ renew, resolve, reject });
      if (this.#due.length === 1) setTimeout(() => this.#renewDue(), COLLECT_MS);
    });
  }

  #renewDue(): void {
    const due = this.#due;
    this.#due = [];
    for (let first = 0; first < due.length; first += MAX_LEASES) {
      void this.#renewTogether(due.slice(first, first + MAX_LEASES));
    }
  }

  async #renewTogether(leases: readonly Due[]): Promise<void> {
    try {
      await this.#transact(leases);
      for (const { resolve } of leases) resolve();
    } catch (error) {
      if (leases.length === 1 || isPassingFailure(error)) for (const { reject } of leases) reject(error);
      else for (const lease of leases) void this.#renewTogether([lease]);
    }
  }

  async #transact(leases: readonly Due[]): Promise<void> {
    const undo: Undo = [];
    try {
      await this.#run(async (records) => {
        const shared = leases.length === 1 ? records : new SharedRecords(records);
        try {
          for (const { renew } of leases) await renew(shared, undo);
        } catch (error) {
          // At once: what shares the commit comes next, and has to give the revisions that are stored.
          takeBack(undo);
          throw error;
        }
      });
    } catch (error) {
      takeBack(undo);
      throw error;
    }
  }
}
