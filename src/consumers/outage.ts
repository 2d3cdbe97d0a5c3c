import { setTimeout as delay } from "node:timers/promises";

/** So many streams in a row that fail to the end are an outage, and not their events. */
const STREAMS_OF_OUTAGE = 3;

/**
 * Tells an outage from poison: when the last streams that came to the end of their attempts are several, and nothing
 * succeeded in between, something that all of them need is down. Then one event is tried at a time.
 */
export class Outage {
  readonly #delayMs: number;
  readonly #streams = new Set<string>();
  #isOn = false;
  /** Ends with the probe that is under way and the pause behind it. */
  #turn: Promise<unknown> = Promise.resolve();
  #over = new AbortController();

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  /** An event came to the end of its attempts. @returns whether it is an outage */
  exhausted(streamId: string): boolean {
    this.#streams.add(streamId);
    if (!this.#isOn && this.#streams.size >= STREAMS_OF_OUTAGE) {
      this.#isOn = true;
      this.#over = new AbortController();
    }
    return this.#isOn;
  }

  /** An event succeeded. @returns the streams of events that were parked on the way into an outage that is over */
  succeeded(): readonly string[] {
    const streams = this.#isOn ? [...this.#streams] : [];
    this.#streams.clear();
    this.#isOn = false;
    this.#over.abort();
    return streams;
  }

  /** Waits for the next turn to try an event, while there is an outage. The signal ends the wait, without an error. */
  async turn(signal: AbortSignal): Promise<void> {
    if (!this.#isOn) return;
    const ended = AbortSignal.any([signal, this.#over.signal]);
    const earlier = this.#turn;
    this.#turn = earlier.then(() => delay(this.#delayMs, undefined, { signal: ended }).catch(() => undefined));
    await this.#turn;
  }
}
