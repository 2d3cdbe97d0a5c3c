import { expect } from "vitest";
import type { ConformanceDescribe, ConformanceExpect, ConformanceTest } from "../conformance/index.js";

interface CollectedTest {
  readonly group: string;
  readonly name: string;
  readonly body: () => Promise<void>;
}

/** The outcome of a run: the names of the tests that passed and of those that failed. */
export interface RunOutcome {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

/** So many tests at a time: more would keep each other busy for longer than a transaction may take. */
const SIDE_BY_SIDE = 32;

/** A test runner that keeps the tests, runs those of one group side by side when it is told to, and says which failed. */
export class CollectingRunner {
  readonly expect: ConformanceExpect = expect;
  readonly #giveUpMs: number;
  readonly #tests: CollectedTest[] = [];
  #group = "";

  /** @param giveUpMs - a test that waits for what a broken store never does would wait for ever */
  constructor(giveUpMs = 3_000) {
    this.#giveUpMs = giveUpMs;
  }

  readonly describe: ConformanceDescribe = (name, body) => {
    const outer = this.#group;
    this.#group = name;
    body();
    this.#group = outer;
  };

  readonly test: ConformanceTest = (name, body) => {
    this.#tests.push({ group: this.#group, name, body });
  };

  /** @param group - the name of the innermost `describe`; without it, all tests are run */
  async run(group?: string): Promise<RunOutcome> {
    const tests = this.#tests.filter((test) => group === undefined || test.group === group);
    const outcomes: { readonly name: string; readonly hasPassed: boolean }[] = [];
    const waiting = tests.values();
    const runNext = async (): Promise<void> => {
      for (const { name, body } of waiting) outcomes.push({ name, hasPassed: await passes(body, this.#giveUpMs) });
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, runNext));
    return {
      passed: outcomes.filter(({ hasPassed }) => hasPassed).map(({ name }) => name),
      failed: outcomes.filter(({ hasPassed }) => !hasPassed).map(({ name }) => name),
    };
  }
}

async function passes(body: () => Promise<void>, giveUpMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const gaveUp = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), giveUpMs);
  });
  const ran = body().then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([ran, gaveUp]);
  } finally {
    clearTimeout(timer);
  }
}
