import { RANDOM_BATCH_PLANS } from "../limits.js";

/** How events are divided into batches. */
export interface BatchPlan {
  /** How many events each batch has, in order. */
  readonly sizes: readonly number[];
  /** Whether the process ends once before the commit of each batch, which is then projected again. */
  readonly isInterrupted: boolean;
  readonly description: string;
}

/**
 * Ways to divide so many events: all at once, one by one, and some at random; each also interrupted by crashes.
 *
 * @param random - from 0 to 1, exclusive
 */
export function batchPlans(count: number, random: () => number): readonly BatchPlan[] {
  const divisions = [[count], Array.from({ length: count }, () => 1)];
  for (let number = 0; number < RANDOM_BATCH_PLANS; number += 1) divisions.push(randomSizes(count, random));
  return divisions.flatMap((division) => {
    const sizes = division.filter((size) => size > 0);
    const batches = `batches of ${sizes.join(", ") || "no event"}`;
    return [
      { sizes, isInterrupted: false, description: batches },
      { sizes, isInterrupted: true, description: `${batches}, each of them again after a crash` },
    ];
  });
}

function randomSizes(count: number, random: () => number): number[] {
  const sizes: number[] = [];
  for (let left = count; left > 0; left -= sizes.at(-1) as number) sizes.push(1 + Math.floor(random() * left));
  return sizes;
}
