import type { VerifyProblem } from "../../protocols/index.js";
import { MAX_VERIFY_PROBLEMS } from "../limits.js";

/** What reads the store for a check. */
export interface CheckedReader {
  /** Such as `SQLite`. */
  readonly name: string;
  /** Whether a failure says that the database is damaged. */
  readonly isDamage: (error: unknown) => boolean;
}

/** Collects what a check finds, up to {@link MAX_VERIFY_PROBLEMS}. */
export class ProblemList {
  readonly #reader: CheckedReader;
  readonly #problems: VerifyProblem[] = [];

  constructor(reader: CheckedReader) {
    this.#reader = reader;
  }

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
   * @param part - what the reader cannot do, such as "read the schema"
   */
  async reading<T>(part: string, whenDamaged: T, read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (!this.#reader.isDamage(error)) throw error;
      this.add({ kind: "unreadable", detail: `${this.#reader.name} cannot ${part}: ${String(error)}` });
      return whenDamaged;
    }
  }
}
