import { appendFileSync } from "node:fs";
import { test } from "vitest";
import { seededRandom } from "./seeded-random.js";

/** How many rounds a fault test makes: beside the other tests, and in `npm run soak`. */
export interface Rounds {
  readonly quick: number;
  readonly soak: number;
}

/** What a fault test is handed. */
export interface Laboratory {
  readonly rounds: number;
  /** For what else differs between the two: `{ quick: 4, soak: 6 }[size]`. */
  readonly size: keyof Rounds;
  readonly seed: number;
  /** A number from 0 up to 1, and the same ones again for the same seed. */
  readonly random: () => number;
  /** A whole number from `least` to `most`. */
  readonly integer: (least: number, most: number) => number;
  /**
   * Adds to a figure of the report, such as "kills". Of a figure that begins with "most ", a soak run reports the
   * largest of all its runs, and of the others the sum.
   */
  readonly count: (figure: string, amount?: number) => void;
}

const SIZE = process.env.FAULT_SIZE === "soak" ? "soak" : "quick";
const TIMEOUTS_MS = { quick: 120_000, soak: 60 * 60_000 };

/** What this machine cannot try; nothing of it goes into the report. */
const leftOutNames = new Set<string>();

/**
 * Declares a fault test. It prints its seed and its figures, and runs again in the same way with `FAULT_SEED=<seed>`.
 *
 * @param name - begins with its number: `"R1 a writer is killed"`
 */
export function faultTest(name: string, roundsOf: Rounds, run: (laboratory: Laboratory) => Promise<void>): void {
  test(name, { timeout: TIMEOUTS_MS[SIZE] }, async ({ signal }) => {
    const seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
    // One that hangs is ended from outside, and still says how to run it again.
    signal.addEventListener("abort", () => process.stdout.write(`${name}: ended with FAULT_SEED=${seed}\n`));
    const rounds = roundsOf[SIZE];
    const random = seededRandom(seed);
    const figures: Record<string, number> = { rounds };
    const count = (figure: string, amount = 1): void => {
      figures[figure] = (figures[figure] ?? 0) + amount;
    };
    const integer = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));
    try {
      await run({ rounds, size: SIZE, seed, random, integer, count });
      if (!leftOutNames.has(name)) report(name, seed, figures);
    } catch (error) {
      throw new Error(`${name}: failed with FAULT_SEED=${seed}`, { cause: error });
    }
  });
}

/** Says in one line that something cannot be tried on this machine. The rest of the test runs. */
export function leftOut(name: string, why: string): void {
  leftOutNames.add(name);
  process.stdout.write(`${name}: left out, ${why}\n`);
}

function report(name: string, seed: number, figures: Readonly<Record<string, number>>): void {
  const listed = Object.entries(figures).map(([figure, amount]) => `${figure} ${amount.toLocaleString("en")}`);
  process.stdout.write(`${name}: seed ${seed}, ${listed.join(", ")}\n`);
  const file = process.env.FAULT_REPORT;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ name, seed, figures })}\n`);
}
