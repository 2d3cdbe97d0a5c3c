import { setTimeout as delay } from "node:timers/promises";
import { untilAborted } from "../watch/abort-listeners.js";
import type { FailingState } from "./consumer-records.js";

/** So many streams in a row that fail to the end are an outage, and not their events. */
const STREAMS_OF_OUTAGE = 3;

/** What has failed once an event of a stream came to the end of its attempts, in whichever process. */
export function failingWith(before: FailingState | null | undefined, streamId: string): FailingState {
  const streams = before?.streams ?? [];
  if (streams.includes(streamId)) return { streams, isOutage: before?.isOutage === true };
  if (streams.length + 1 >= STREAMS_OF_OUTAGE) return { streams, isOutage: true };
  return { streams: [...streams, streamId], isOutage: false };
}

/**
 * What this process knows of an outage: when the last streams that came to the end of their attempts are several, and nothing
 * succeeded in between, something that all of them need is down. Then one event is tried at a time. The record of the consumer
 * has it for all processes.
 */
export class Outage {
  readonly #delayMs: number;
  #failing: FailingState | null;
  /** Whether it has tried an event in this outage itself: its first try does not wait, and may find that all is well here. */
  #hasTried = false;
  /** Ends with the probe that is under way and the pause behind it. */
  #turn: Promise<unknown> = Promise.resolve();
  #over = new AbortController();

  constructor(delayMs: number, failing: FailingState | null = null) {
    this.#delayMs = delayMs;
    this.#failing = failing;
  }

  get isOn(): boolean {
    return this.#failing?.isOutage === true;
  }

  /** What the record of the consumer says. */
  note(failing: FailingState | null): void {
    if (this.isOn && !failing?.isOutage) {
      this.#over.abort();
      this.#over = new AbortController();
      this.#hasTried = false;
    }
    this.#failing = failing;
  }

  /** An event came to the end of its attempts in this process, and the record of the consumer says so. */
  failed(failing: FailingState | null): void {
    this.note(failing);
    this.#hasTried = this.isOn;
  }

  /** An event succeeded. @returns whether the record of the consumer still says that something has failed */
  succeeded(): boolean {
    const isKnown = this.#failing !== null;
    this.note(null);
    return isKnown;
  }

  /** Waits for the next turn to try an event, while there is an outage. The signal ends the wait, without an error. */
  async turn(signal: AbortSignal): Promise<void> {
    if (!this.isOn) return;
    const ended = AbortSignal.any([signal, this.#over.signal]);
    const earlier = this.#turn;
    const delayMs = this.#hasTried ? this.#delayMs : 0;
    this.#hasTried = true;
    this.#turn = earlier.then(() => delay(delayMs, undefined, { signal: ended }).catch(() => undefined));
    // A partition that is given back does not wait for the turns of others.
    await untilAborted(this.#turn, ended).catch(() => undefined);
  }
}
