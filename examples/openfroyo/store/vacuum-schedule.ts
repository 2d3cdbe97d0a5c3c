import type { Streams } from "./store-backend.js";

/** Gives free space back now and then, one vacuum after the other. Disposing of it ends the one that runs. */
export class VacuumSchedule implements AsyncDisposable {
  readonly #timer: NodeJS.Timeout;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(streams: Streams, intervalMs: number, onError: (error: unknown) => void) {
    this.#timer = setInterval(() => {
      this.#running ??= this.#vacuum(streams, onError).finally(() => {
        this.#running = undefined;
      });
    }, intervalMs);
    this.#timer.unref();
  }

  async #vacuum(streams: Streams, onError: (error: unknown) => void): Promise<void> {
    try {
      await streams.reclaim({ signal: this.#stop.signal });
    } catch (error) {
      if (!this.#stop.signal.aborted) onError(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#running;
  }
}
