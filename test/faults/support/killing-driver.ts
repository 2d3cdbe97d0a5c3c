import { DRIVERS, type DriverName } from "../../../adapters/sqlite/drivers/choose-driver.js";
import type { SQLiteConnection, SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";

/** When the process is killed. */
export interface Kill {
  /** The number of the statement, counted from the call of `arm`; 0: none. */
  readonly killAt: number;
  /** Whether the statement has run then. */
  readonly isAfter: boolean;
}

const STATEMENTS: ReadonlySet<string> = new Set(["run", "all", "runPositional", "allPositional", "exec"]);

/** A driver whose process kills itself at one of the statements of its connections that write. */
export class KillingDriver {
  /** How many statements there were since `arm`. */
  statements = 0;
  readonly driver: SQLiteDriver;
  readonly #kill: Kill;
  #isArmed = false;

  constructor(name: DriverName, kill: Kill) {
    this.#kill = kill;
    this.driver = {
      ...DRIVERS[name],
      open: async (file, mode) => {
        const connection = await DRIVERS[name].open(file, mode);
        return mode === "readonly" ? connection : this.#counting(connection);
      },
    };
  }

  /** Counts from now on. */
  arm(): void {
    this.#isArmed = true;
  }

  #counting(connection: SQLiteConnection): SQLiteConnection {
    return new Proxy(connection, {
      get: (target, property: keyof SQLiteConnection) => {
        const method = target[property];
        if (typeof method !== "function") return method;
        const call = (method as (...args: unknown[]) => Promise<unknown>).bind(target);
        return STATEMENTS.has(property) ? (...args: unknown[]) => this.#counted(() => call(...args)) : call;
      },
    });
  }

  /** Counts a statement that another driver makes, which is the last one where the kill is after it, too. */
  beforeStatement(): void {
    if (this.#isLast()) process.kill(process.pid, "SIGKILL");
  }

  #isLast(): boolean {
    if (this.#isArmed) this.statements += 1;
    return this.#isArmed && this.statements === this.#kill.killAt;
  }

  async #counted<T>(call: () => Promise<T>): Promise<T> {
    const isLast = this.#isLast();
    if (isLast && !this.#kill.isAfter) process.kill(process.pid, "SIGKILL");
    const result = await call();
    if (isLast) process.kill(process.pid, "SIGKILL");
    return result;
  }
}
