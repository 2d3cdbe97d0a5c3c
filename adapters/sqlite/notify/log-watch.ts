import { type FSWatcher, watch } from "node:fs";

/**
 * Listens for changes to the log that the file system reports, so that commits of other processes are noticed sooner than
 * by polling alone. It only saves time: if the file system reports nothing, polling finds everything.
 */
export class LogWatch {
  readonly #path: string;
  readonly #onChange: () => void;
  #watcher: FSWatcher | undefined;

  constructor(database: string, onChange: () => void) {
    this.#path = `${database}-wal`;
    this.#onChange = onChange;
  }

  /** Begins to listen, unless it does already or the log is not there yet. */
  start(): void {
    if (this.#watcher !== undefined) return;
    try {
      this.#watcher = watch(this.#path, { persistent: false }, this.#onChange);
      this.#watcher.on("error", () => this.stop());
    } catch {
      // No log yet, or no watches left. The next start may fare better.
    }
  }

  stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }
}
