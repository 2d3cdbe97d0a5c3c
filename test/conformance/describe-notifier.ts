import type { StreamBackend } from "../../protocols/index.js";
import { describeBatches } from "./notifier/batches.js";
import { describeHandOver } from "./notifier/hand-over.js";
import { describeLifecycle } from "./notifier/lifecycle.js";
import { describeListeners } from "./notifier/listeners.js";
import { describeUnsubscribe } from "./notifier/unsubscribe.js";
import type { ConformanceOptions } from "./runner.js";
import { createSuite } from "./suite.js";

/** The options of {@link describeNotifier}. */
export type NotifierConformanceOptions = ConformanceOptions<StreamBackend>;

/**
 * Registers the tests that every `Notifier` must pass. They write to the store through its storage handle, so `open`
 * returns both.
 *
 * @example
 * ```ts
 * import { describeNotifier } from "async-streams/conformance";
 * import { MemoryNotifier, MemoryStorageHandle } from "async-streams/memory";
 * import { describe, expect, test } from "vitest";
 *
 * const open = async () => {
 *   const storage = new MemoryStorageHandle();
 *   return { storage, notifier: new MemoryNotifier(storage) };
 * };
 * describeNotifier({ name: "memory", describe, test, expect, open });
 * ```
 */
export function describeNotifier(options: NotifierConformanceOptions): void {
  const suite = createSuite(options, {
    watched: ({ storage, notifier }, rawErrors) => ({ storage: rawErrors.watch(storage), notifier }),
    dispose: disposeBackend,
  });
  options.describe(`the notifier of ${options.name}`, () => {
    describeBatches(suite);
    describeListeners(suite);
    describeUnsubscribe(suite);
    describeHandOver(suite);
    describeLifecycle(suite);
  });
}

async function disposeBackend({ storage, notifier }: StreamBackend): Promise<void> {
  try {
    await notifier[Symbol.asyncDispose]();
  } finally {
    await storage[Symbol.asyncDispose]();
  }
}
