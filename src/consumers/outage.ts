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
 * has it for all processes; but what succeeds in another process does not end what is down for this one alone.
 */
export class Outage {
  readonly #delayMs: number;
  /** What the record of the consumer says. */
  #failing: FailingState | null;
  /** What has failed in this process since something succeeded in it. */
  #own: FailingState | null = null;
  #recovery: readonly string[] | null = null;
  /** Whether it has tried an event in this outage itself: its first try does not wait, and may find that all is well here. */
  #hasTried = false;
  /** Ends with the pause before the last probe: the next one waits for its own behind it. */
  #turn: Promise<unknown> = Promise.resolve();
  #over = new AbortController();

  constructor(delayMs: number, failing: FailingState | null = null) {
    this.#delayMs = delayMs;
    this.#failing = failing;
  }

  get isOn(): boolean {
    return this.#failing?.isOutage === true || this.#own?.isOutage === true;
  }

  /** What was parked while this process alone had an outage. */
  get ownStreams(): readonly string[] {
    return this.#own?.isOutage ? this.#own.streams : [];
  }

  /**
   * Something has succeeded, and the record of the consumer does not say so yet: these streams, and those that the record has,
   * are to be tried again. Null: there is nothing to write.
   */
  get recovery(): readonly string[] | null {
    return this.#recovery;
  }

  /** The record of the consumer says so now. */
  recoveryWritten(recovery: readonly string[] | null): void {
    if (this.#recovery === recovery) this.#recovery = null;
  }

  /** What the record of the consumer says. */
  note(failing: FailingState | null): void {
    const found = this.#recovery === null ? failing : null;
    // What has succeeded elsewhere may succeed here, too.
    if (this.#failing?.isOutage && !found?.isOutage) this.#tryAtOnce();
    this.#failing = found;
  }

  /** Whether one more stream whose event has failed to the end would be an outage of this process. */
  wouldBeOwn(streamId: string): boolean {
    return failingWith(this.#own, streamId).isOutage;
  }

  /** An event came to the end of its attempts in this process, and the record of the consumer says so. */
  failed(streamId: string, failing: FailingState | null): void {
    this.#own = failingWith(this.#own, streamId);
    this.note(failing);
    this.#hasTried = this.isOn;
  }

  /** An event succeeded. @returns whether there is something new to write */
  succeeded(): boolean {
    if (this.#failing === null && this.#own === null) return false;
    this.#recovery = [...(this.#recovery ?? []), ...this.ownStreams];
    if (this.isOn) this.#tryAtOnce();
    this.#own = null;
    this.#failing = null;
    return true;
  }

  #tryAtOnce(): void {
    this.#over.abort();
    this.#over = new AbortController();
    this.#hasTried = false;
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
