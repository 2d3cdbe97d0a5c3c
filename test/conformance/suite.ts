import type { ConformanceDescribe, ConformanceExpect, ConformanceOptions } from "./runner.js";
import { type Eventually, eventuallyWithin } from "./support/eventually.js";

/** The test runner as the parts of the suite see it: every test gets a fresh subject, which is disposed of afterwards. */
export interface Suite<Subject> {
  readonly describe: ConformanceDescribe;
  readonly test: (name: string, body: (subject: Subject) => Promise<void>) => void;
  readonly expect: ConformanceExpect;
  readonly eventually: Eventually;
}

// Below the five seconds after which most runners give a test up, so that the failure says what did not happen.
const DEFAULT_PATIENCE_MS = 4_000;

export function createSuite<Subject>(
  options: ConformanceOptions<Subject>,
  dispose: (subject: Subject) => Promise<void>,
): Suite<Subject> {
  const { describe, test, expect, open, patienceMs } = options;
  return {
    describe,
    expect,
    eventually: eventuallyWithin(patienceMs ?? DEFAULT_PATIENCE_MS),
    test: (name, body) => {
      test(name, async () => {
        const subject = await open();
        try {
          await body(subject);
        } catch (error) {
          // The test's own failure says more than what it leads to at the disposal.
          await dispose(subject).catch(() => undefined);
          throw error;
        }
        await dispose(subject);
      });
    },
  };
}
