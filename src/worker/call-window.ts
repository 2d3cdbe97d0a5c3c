/** A call that waits until there is room for it. */
interface WaitingCall {
  readonly bytes: number;
  readonly send: () => void;
}

/** Limits how many calls are under way, and how many bytes they have. The others wait in the order in which they were made. */
export class CallWindow {
  readonly #maxCalls: number;
  readonly #maxBytes: number;
  readonly #waiting = new Set<WaitingCall>();
  #calls = 0;
  #bytes = 0;

  constructor(maxCalls: number, maxBytes: number) {
    this.#maxCalls = maxCalls;
    this.#maxBytes = maxBytes;
  }

  /**
   * Sends a call now, or once there is room.
   *
   * @returns a function that takes it back if it was not sent, and says whether it did
   */
  enter(bytes: number, send: () => void): () => boolean {
    if (this.#waiting.size === 0 && this.#hasRoom(bytes)) {
      this.#send({ bytes, send });
      return () => false;
    }
    const call = { bytes, send };
    this.#waiting.add(call);
    return () => this.#waiting.delete(call);
  }

  /** A call that was sent has ended. */
  leave(bytes: number): void {
    this.#calls -= 1;
    this.#bytes -= bytes;
    for (const call of this.#waiting) {
      if (!this.#hasRoom(call.bytes)) return;
      this.#waiting.delete(call);
      this.#send(call);
    }
  }

  // One that is larger than all may be goes alone.
  #hasRoom(bytes: number): boolean {
    return this.#calls === 0 || (this.#calls < this.#maxCalls && this.#bytes + bytes <= this.#maxBytes);
  }

  #send({ bytes, send }: WaitingCall): void {
    this.#calls += 1;
    this.#bytes += bytes;
    send();
  }
}
