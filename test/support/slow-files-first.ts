import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes minutes although its files are short: the conformance suite, and what builds or measures. */
const SLOW = [
  "/unit/adapters/postgres.",
  "/unit/adapters/",
  "/conformance-bites.",
  "/bench-command.",
  "/custom-adapter.",
];

/**
 * Begins with the files that take longest, so that none of them runs alone at the end. Vitest orders them by their size
 * until it has timed them.
 */
export class SlowFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = SLOW.findIndex((part) => moduleId.includes(part));
      return index < 0 ? SLOW.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
