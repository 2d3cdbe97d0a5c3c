/** Waits until a condition holds, and fails when it does not hold in time. */
export type Eventually = (what: string, condition: () => boolean | Promise<boolean>) => Promise<void>;

const POLL_INTERVAL_MS = 2;

export function eventuallyWithin(patienceMs: number): Eventually {
  return async (what, condition) => {
    const deadlineMs = performance.now() + patienceMs;
    while (!(await condition())) {
      if (performance.now() > deadlineMs) throw new Error(`This did not happen within ${patienceMs} ms: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  };
}

/** Lets everything run that is ready to run: other tasks, and answers that have come in. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
