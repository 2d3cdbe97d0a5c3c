import type { ProblemList } from "./problem-list.js";

/**
 * Reports the positions that are missing between those that are there. As long as nothing is removed, positions have no gaps,
 * although readers are promised only that they grow.
 *
 * @param after - the last position that was looked at before
 */
export function reportGaps(positions: readonly number[], after: number, problems: ProblemList): void {
  let last = after;
  for (const position of positions) {
    if (position > last + 1) reportGap(last + 1, position - 1, problems);
    last = position;
  }
}

function reportGap(first: number, last: number, problems: ProblemList): void {
  const positions = first === last ? `position ${first}` : `positions ${first} to ${last}`;
  problems.add({ kind: "gap", position: first, detail: `${positions} of the store: no event is there` });
}
