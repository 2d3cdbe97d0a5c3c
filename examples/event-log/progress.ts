const REDRAW_MS = 100;
const CLEAR_LINE = "\r\u001b[K";

/** A line that counts while something goes on. Shown on a terminal only, and on stderr, so that output stays clean. */
export class Progress {
  readonly #label: string;
  #drawnAtMs = 0;

  constructor(label: string) {
    this.#label = label;
  }

  /** Bound, so that it can be handed over as a callback. */
  readonly update = (count: number): void => {
    if (!process.stderr.isTTY) return;
    const nowMs = performance.now();
    if (nowMs - this.#drawnAtMs < REDRAW_MS) return;
    this.#drawnAtMs = nowMs;
    process.stderr.write(`${CLEAR_LINE}${this.#label} ${count.toLocaleString("en-US")}`);
  };

  end(): void {
    if (process.stderr.isTTY) process.stderr.write(CLEAR_LINE);
  }
}
