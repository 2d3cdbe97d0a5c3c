import type { AdministrableStreamFactory, TransactionalStreamFactory } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { checkFlag, checkOptions, type OptionNames } from "../../src/validate/check-arguments.js";
import { checkClock } from "../../src/validate/check-clock.js";
import { MemoryNotifier } from "./memory-notifier.js";
import { MemoryStorageHandle } from "./memory-storage-handle.js";

/** The options of {@link memoryStreamFactory}. */
export interface MemoryOptions {
  /**
   * The clock of the timestamps of events and snapshots, for tests. It returns milliseconds since 1970, and is used for
   * nothing else. Default `Date.now`.
   */
  readonly now?: (() => number) | undefined;
  /**
   * Whether a call that a transaction's callback makes past its `tx` is refused at once, for tests. It makes every `await` of
   * the process slower before Node 24. Default: from Node 24 on.
   */
  readonly findMisuse?: boolean | undefined;
}

const OPTIONS: OptionNames<MemoryOptions> = { now: true, findMisuse: true };

/** A store in the memory of this process. */
export type MemoryStreamFactory = TransactionalStreamFactory & AdministrableStreamFactory;

/**
 * Opens a store in the memory of this process, for tests and for data that need not outlive the process. Its events are gone
 * when the factory is disposed.
 *
 * @throws InvalidArgumentError when an option is unknown or invalid.
 *
 * @example
 * ```ts
 * await using streams = memoryStreamFactory({ now: () => Date.UTC(2024, 0, 1) });
 * ```
 */
export function memoryStreamFactory(options: MemoryOptions = {}): MemoryStreamFactory {
  checkOptions(options, OPTIONS);
  const { findMisuse } = options;
  const now = checkClock(options.now);
  checkFlag("findMisuse", findMisuse);
  const storage = new MemoryStorageHandle(now);
  return createStreamFactory({ storage, notifier: new MemoryNotifier(storage), now, findMisuse });
}
