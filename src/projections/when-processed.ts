import { waitUntilProcessed } from "../consumers/when-processed.js";
import { inAttempt } from "../validate/in-call.js";
import { checkPlainName } from "./definition.js";
import { modelStoreOf } from "./model-store.js";
import type { ReadModelStore } from "./projection.js";
import { readBuild, readLive } from "./projection-records.js";
import { runnersOf } from "./running-projections.js";

const RECORDS_TIMEOUT_MS = 10_000;

/**
 * Resolves once the live version of a projection has everything up to a position, whichever process runs it. A projection that
 * is not registered yet is waited for.
 *
 * @param position - such as that of a `WriteResult`
 * @throws TimeoutError after `timeoutMs`, default 10,000.
 * @throws InvalidArgumentError when an argument is invalid.
 *
 * @example
 * ```ts
 * const { position } = await stream.write({ type: "Deposited", data: { amount: 100 } });
 * await whenProcessed(streams, "balances", position);
 * ```
 */
export async function whenProcessed(
  store: ReadModelStore,
  name: string,
  position: number,
  options: { timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<void> {
  const model = modelStoreOf(store as never, store, "wait for a projection");
  inAttempt("wait for a projection", model.access?.location, () => checkPlainName("name", name));
  const isProcessed = async (): Promise<boolean> => {
    const found = await model.run("whenProcessed", RECORDS_TIMEOUT_MS, async ({ records }) => {
      const live = await readLive(records, model.spaces, name);
      if (live === null) return undefined;
      const { version, generation } = live;
      const build = await readBuild(records, model.spaces, { name, version, generation });
      return { version, generation, position: build?.value.position ?? 0 };
    });
    if (found === undefined) return false;
    const { version, generation } = found;
    const own = [...runnersOf(store)].map((runner) => runner.positionOf(name, version, generation) ?? 0);
    return Math.max(found.position, ...own) >= position;
  };
  const progress = new Set<() => void>();
  const notify = (): void => {
    for (const listener of [...progress]) listener();
  };
  const stops = [...runnersOf(store)].map((runner) => runner.onChange(notify));
  try {
    await waitUntilProcessed(name, position, options, isProcessed, progress);
  } finally {
    for (const stop of stops) stop();
  }
}
