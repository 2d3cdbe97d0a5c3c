import type { ConformanceDescribe, ConformanceExpect, ConformanceOptions } from "./runner.js";
import { type Eventually, eventuallyWithin } from "./support/eventually.js";
import { RawErrors } from "./support/raw-errors.js";

/**
 * The test runner as the parts of the suite see it: every test gets a fresh subject, which is disposed of afterwards, and
 * fails when a call on it has failed with something that is not an error of the library.
 */
export interface Suite<Subject> {
  readonly describe: ConformanceDescribe;
  readonly test: (name: string, body: (subject: Subject) => Promise<void>) => void;
  /**
   * A test of what only some subjects can do. It is run where the subject has the methods, and passes where it has none
   * of them. One that has only some of them fails.
   */
  readonly testWith: <Method extends string>(
    methods: readonly Method[],
    name: string,
    body: (subject: Subject & Capable<Method>) => Promise<void>,
  ) => void;
  readonly expect: ConformanceExpect;
  readonly eventually: Eventually;
}
