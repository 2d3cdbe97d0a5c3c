import type { ParkedState } from "./consumer-records.js";

/** So many events at most are set aside: then these are tried again, and no further one. */
const MAX_SET_ASIDE = 100;

/**
 * The events of a partition that came to the end of their attempts in an outage, and those behind them, in the order of their
 * positions. The events that follow are tried meanwhile: if one succeeds, it was no outage, and those before it are parked.
 * Until then nothing of this is stored.
 */
export class SetAside {
  #states: readonly ParkedState[] = [];
  #lastTried = 0;

  get isEmpty(): boolean {
    return this.#states.length === 0;
  }

  get isFull(): boolean {
    return this.#states.length >= MAX_SET_ASIDE;
  }

  /** The position of the last one. */
  get last(): number {
    return this.#states.at(-1)?.position ?? 0;
  }

  has(streamId: string): boolean {
    return this.#states.some((state) => state.streamId === streamId);
  }

  /** Adds the next event, or notes another attempt at one. */
  add(state: ParkedState): void {
    const others = this.#states.filter(({ position }) => position !== state.position);
    this.#states = [...others, state].sort((a, b) => a.position - b.position);
    this.#lastTried = state.position;
  }

  /**
   * The one whose turn it is to be tried again: the first of its stream, where another attempt may help.
   *
   * @param isBehind - whether a stream has parked events, behind which all of it waits
   */
  next(isBehind: (streamId: string) => boolean): ParkedState | undefined {
    const seen = new Set<string>();
    const tried = this.#states.filter(({ streamId, isDue }) => {
      const isFirst = !seen.has(streamId);
      seen.add(streamId);
      return isFirst && isDue && !isBehind(streamId);
    });
    return tried.find(({ position }) => position > this.#lastTried) ?? tried[0];
  }

  /** Those that are parked when an event succeeds. */
  before(position: number): readonly ParkedState[] {
    return this.#states.filter((state) => state.position < position);
  }

  /** An event is handled or gone. */
  remove(position: number): void {
    this.#states = this.#states.filter((state) => state.position !== position);
  }

  /** Those before a position are parked. */
  removeBefore(position: number): void {
    this.#states = this.#states.filter((state) => state.position >= position);
  }
}
