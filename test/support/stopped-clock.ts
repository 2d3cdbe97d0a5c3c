import { vi } from "vitest";

/** A clock that a test moves. */
export interface StoppedClock extends Disposable {
  advance(ms: number): void;
}

/** Stops `performance.now` until it is disposed of, so that no limit of time is reached because the machine is slow. */
export function stopClock(): StoppedClock {
  let nowMs = performance.now();
  const spy = vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  return {
    advance(ms) {
      nowMs += ms;
    },
    [Symbol.dispose]: () => spy.mockRestore(),
  };
}
