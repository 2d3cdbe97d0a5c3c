import type { VerifyProblem } from "../../../../protocols/index.js";
import { isDamage } from "../../sqlite-errors.js";

/** How many problems a report lists. A check that has found so many stops: the store is beyond single repairs. */
export const MAX_VERIFY_PROBLEMS = 1_000;

/** Collects what a check finds, up to {@link MAX_VERIFY_PROBLEMS}. */
export class ProblemList {
  readonly #problems: VerifyProblem[] = [];

  get found(): readonly VerifyProblem[] {
    return this.#problems;
  }

  get isFull(): boolean {
    return this.#problems.length >= MAX_VERIFY_PROBLEMS;
  }

  add(problem: VerifyProblem): void {
    if (!this.isFull) this.#problems.push(problem);
  }

  /**
   * Reads a part of the store. Where the database is damaged there, that is a problem, and the check goes on.
   *
   * @param part - what SQLite cannot do, such as "read the schema"
   */
  async reading<T>(part: string, whenDamaged: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.add({ kind: "unreadable", detail: `SQLite cannot ${part}: ${String(error)}` });
      return whenDamaged;
    }
  }
}
