/** How many reads of an end there are between two searches for the end of the log, at least and at most. */
const MIN_READS_BETWEEN_SEARCHES = 2;
const MAX_READS_BETWEEN_SEARCHES = 256;

/** How many reads an end that was found has to answer, so that the next search comes soon. */
const MIN_ANSWERED_READS = 4;

/** How many commits, or reads in vain, there may be in a row until the end of the log is let go. */
const MAX_UNUSED = 16;

/**
 * Says when to search for the end of the log, and when to let it go. A search takes a statement, and so does each read that the end
 * does not answer. An end that answered few reads until it was lost makes the next search come later.
 */
export class LogEndUse {
  #answered = 0;
  /** How many commits, and reads in vain, there were since the last read that was answered. */
  #unused = 0;
  #readsToSearch = MIN_READS_BETWEEN_SEARCHES;
  #readsBetween = MIN_READS_BETWEEN_SEARCHES;

  /** Whether enough reads took a statement since the last search. */
  get isSearchDue(): boolean {
    return this.#readsToSearch <= 0;
  }

  /** Whether the end is followed without use. */
  get isOver(): boolean {
    return this.#unused >= MAX_UNUSED;
  }

  readInVain(): void {
    this.#readsToSearch -= 1;
  }

  searched(): void {
    this.#answered = 0;
    this.#unused = 0;
    this.#readsToSearch = this.#readsBetween;
  }

  answered(): void {
    this.#answered += 1;
    this.#unused = 0;
  }

  /** A commit moved the end on, or a read found that others had committed. */
  unused(): void {
    this.#unused += 1;
  }

  lost(): void {
    const between = this.#answered < MIN_ANSWERED_READS ? 2 * this.#readsBetween : MIN_READS_BETWEEN_SEARCHES;
    this.#readsBetween = Math.min(between, MAX_READS_BETWEEN_SEARCHES);
    this.#readsToSearch = this.#readsBetween;
  }
}
