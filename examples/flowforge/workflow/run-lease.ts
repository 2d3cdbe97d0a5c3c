import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { DbContext, Row } from "../ports.js";

const RENEW_MS = 5_000;
/** Whoever has not renewed a lease for so long has it no more. */
const LEASE_MS = 30_000;

/** The leases of this process: its id may be that of a former one. */
const held = new Set<string>();

/** The right to run the nodes of a run, which one process has at a time. That of a process that was killed is free at once. */
export class RunLease implements AsyncDisposable {
  readonly #db: DbContext;
  readonly #runId: string;
  readonly #holder = randomUUID();
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<unknown> = Promise.resolve();

  constructor(db: DbContext, runId: string) {
    this.#db = db;
    this.#runId = runId;
  }

  /** Takes it in one transaction with what `work` does, where nobody has it and `work` gives true. @returns whether it did */
  async take(work: () => Promise<boolean>): Promise<boolean> {
    // Before it is written: a transaction after it may look before this one has its answer.
    held.add(this.#holder);
    const isTaken = await this.#db.tx.runInTransaction(async () => {
      const [found] = await this.#query("SELECT holder, host, pid, renewed_at FROM run_leases WHERE run_id = ?");
      if ((found !== undefined && isHeld(found)) || !(await work())) return false;
      const lease = {
        run_id: this.#runId,
        holder: this.#holder,
        host: hostname(),
        pid: process.pid,
        renewed_at: now(),
      };
      await this.#db.projectionStore.upsert({ table: "run_leases", rows: [lease] });
      return true;
    });
    if (isTaken) this.#timer = setInterval(() => this.#renew(), RENEW_MS).unref();
    return isTaken;
  }

  /** Call it in each transaction of the run. @throws Error when another process has it by now */
  async check(): Promise<void> {
    const [found] = await this.#query("SELECT holder FROM run_leases WHERE run_id = ?");
    if (found?.holder === this.#holder) return;
    throw new Error(`Another process goes on with ${this.#runId}, since this one was held up for too long.`);
  }

  /** Gives it back. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    held.delete(this.#holder);
    await this.#renewing;
    // One that cannot be given back ends by itself.
    await this.#query("DELETE FROM run_leases WHERE run_id = ? AND holder = ?", this.#holder).catch(() => undefined);
  }

  /** One that fails is tried again with the next one, and `check` says when that is too late. */
  #renew(): void {
    const sql = `UPDATE run_leases SET renewed_at = '${now()}' WHERE run_id = ? AND holder = ?`;
    this.#renewing = this.#renewing.then(() => this.#query(sql, this.#holder)).catch(() => undefined);
  }

  #query(sql: string, ...more: readonly string[]): Promise<Row[]> {
    return this.#db.projectionStore.query({ sql, params: [this.#runId, ...more] });
  }
}

const now = (): string => new Date().toISOString();

function isHeld({ holder, host, pid, renewed_at }: Row): boolean {
  if (Date.now() - Date.parse(String(renewed_at)) >= LEASE_MS) return false;
  if (host !== hostname()) return true;
  return pid === process.pid ? held.has(String(holder)) : isRunning(Number(pid));
}

/** Whether a process of this machine is there. */
function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
