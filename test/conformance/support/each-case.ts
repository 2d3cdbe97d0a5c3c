import { nextTurn } from "./eventually.js";

/** A case of a test that has many: what it is, for the message of a failure, and what belongs to it. */
export type NamedCase = readonly [what: string, ...rest: unknown[]];

/**
 * Checks the cases of one test one after the other, all of them in the store that the test has. Opening a store takes
 * longer than most cases do.
 *
 * @throws an error that names every case that failed
 */
export async function eachCase<Case extends NamedCase>(
  cases: readonly Case[],
  check: (testCase: Case, index: number) => Promise<void>,
): Promise<void> {
  const failures: { readonly what: string; readonly error: unknown }[] = [];
  for (const [index, testCase] of cases.entries()) {
    await check(testCase, index).catch((error: unknown) => failures.push({ what: testCase[0], error }));
    // Tests that run beside this one, and their timers, have their turn too, also where a store never waits.
    await nextTurn();
  }
  if (failures.length === 0) return;
  const listed = failures.map(
    ({ what, error }) => `${what}: ${error instanceof Error ? error.message : String(error)}`,
  );
  throw new Error(`Of ${cases.length} cases, ${failures.length} failed.\n${listed.join("\n")}`, {
    cause: failures[0]?.error,
  });
}
