/**
 * The part of a test runner's `expect(...)` that the suite uses. What Vitest, Jest and Bun return has it.
 */
export interface ConformanceMatchers {
  toBe(expected: unknown): unknown;
  toEqual(expected: unknown): unknown;
  toStrictEqual(expected: unknown): unknown;
  toMatchObject(expected: object): unknown;
}

/** A test runner's `expect`. */
export type ConformanceExpect = (actual: unknown) => ConformanceMatchers;

/** A test runner's `describe`: names a group of tests. */
export type ConformanceDescribe = (name: string, body: () => void) => unknown;

/** A test runner's `test`: registers one test. */
export type ConformanceTest = (name: string, body: () => Promise<void>) => unknown;

/** What every part of the suite is given: the test runner, and a way to open what is tested. */
export interface ConformanceOptions<Subject> {
  /** What is tested, for the names of the tests, such as `"memory"`. */
  readonly name: string;
  /** The test runner's `describe`. */
  readonly describe: ConformanceDescribe;
  /** The test runner's `test`. A store that is slow to answer may want longer than the runner's default: pass a `test` that sets a timeout. */
  readonly test: ConformanceTest;
  /** The test runner's `expect`. */
  readonly expect: ConformanceExpect;
  /**
   * Opens a fresh, empty store. Called once for every test, and never for two tests with the same store. The suite
   * disposes of what it returns; what else belongs to the store (a folder, a schema) may be removed by wrapping
   * its disposal.
   */
  readonly open: () => Promise<Subject>;
  /**
   * Called with what was not tested, such as `"transactions"`, because the store does not have the methods for it. Default:
   * prints it.
   */
  readonly onLeftOut?: ((leftOut: readonly string[]) => void) | undefined;
  /** How long the suite waits for something that has to happen eventually, in milliseconds. Default 4,000. */
  readonly patienceMs?: number | undefined;
}
