import type { VerifyProblem } from "../../../../protocols/index.js";

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
}
