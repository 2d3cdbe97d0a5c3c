import type { ConformanceDescribe, ConformanceExpect, ConformanceOptions } from "./runner.js";
import { ableFor, type Capability } from "./support/capabilities.js";
import { type Eventually, eventuallyWithin } from "./support/eventually.js";
import { RawErrors } from "./support/raw-errors.js";

/**
 * The test runner as the parts of the suite see it: every test gets a fresh subject, which is disposed of afterwards. It
 * fails, too, when a call on the subject has failed with what is not an error of the library.
 */
export interface Suite<Subject> {
  readonly describe: ConformanceDescribe;
  readonly test: (name: string, body: (subject: Subject) => Promise<void>) => void;
  /** A test of what only some subjects can do. It runs where the subject can, and passes elsewhere. */
  readonly testWith: <Able extends Subject & object>(
    capability: Capability<Able>,
    name: string,
    body: (subject: Able) => Promise<void>,
  ) => void;
  /** The last test: says which of these the subject cannot do, so that they were not tested. */
  readonly testLeftOut: () => void;
  readonly expect: ConformanceExpect;
  readonly eventually: Eventually;
}

/** How a subject is watched and disposed of. */
interface SubjectKind<Subject> {
  /** The subject with its calls watched. */
  readonly watched: (subject: Subject, rawErrors: RawErrors) => Subject;
  readonly dispose: (subject: Subject) => Promise<void>;
}

// Below the five seconds after which most runners give a test up, so that the failure says what did not happen.
const DEFAULT_PATIENCE_MS = 4_000;

export function createSuite<Subject extends object>(
  options: ConformanceOptions<Subject>,
  { watched, dispose }: SubjectKind<Subject>,
): Suite<Subject> {
  const { describe, test, expect, open, patienceMs, name: subjectName } = options;
  const { onLeftOut = (leftOut) => print(subjectName, leftOut) } = options;
  const capabilities = new Set<Capability<never>>();
  const testSubject: Suite<Subject>["test"] = (name, body) => {
    test(name, async () => {
      const rawErrors = new RawErrors();
      const subject = watched(await open(), rawErrors);
      try {
        await body(subject);
      } catch (error) {
        // The test's own failure says more than what it leads to at the disposal.
        await dispose(subject).catch(() => undefined);
        throw error;
      }
      await dispose(subject);
      rawErrors.check();
    });
  };
  return {
    describe,
    expect,
    eventually: eventuallyWithin(patienceMs ?? DEFAULT_PATIENCE_MS),
    test: testSubject,
    testWith: (capability, name, body) => {
      capabilities.add(capability as Capability<never>);
      testSubject(name, async (subject) => {
        const able = await ableFor(subject, capability);
        if (able !== null) await body(able);
      });
    },
    testLeftOut: () => {
      testSubject("says what was not tested", async (subject) => {
        const leftOut: string[] = [];
        for (const capability of capabilities) {
          if ((await ableFor(subject, capability)) === null) leftOut.push(capability.name);
        }
        if (leftOut.length > 0) onLeftOut(leftOut);
      });
    },
  };
}

function print(name: string, leftOut: readonly string[]): void {
  // biome-ignore lint/suspicious/noConsole: a test runner shows it beside the results.
  console.info(`async-streams/conformance: ${name} was not tested for what it does not have: ${leftOut.join(", ")}`);
}
