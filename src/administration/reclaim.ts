import { setImmediate as nextTurn } from "node:timers/promises";
import type { ReclaimOptions } from "../../protocols/index.js";
import { RECLAIM_STEP_BYTES } from "../limits.js";
import { checkFunction, checkOptions, checkSignal, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { type AdministrationContext, inStep } from "./administration-context.js";

const OPTIONS: OptionNames<ReclaimOptions> = { onProgress: true, signal: true };
const ATTEMPT = "reclaim space";

/** Gives free space back, until there is none, or no step gives back any. */
export async function reclaim(
  context: AdministrationContext,
  options: ReclaimOptions = {},
): Promise<{ readonly freedBytes: number }> {
  const { storage, lifetime, calls } = context;
  lifetime.assertOpen(ATTEMPT);
  calls.assertOutside("reclaim");
  inAttempt(ATTEMPT, storage.location, () => {
    checkOptions(options, OPTIONS);
    checkFunction("onProgress", options.onProgress);
    checkSignal(options.signal);
  });
  return calls.note(() => reclaimAll(context, options), "reclaim");
}

async function reclaimAll(
  context: AdministrationContext,
  { onProgress, signal }: ReclaimOptions,
): Promise<{ readonly freedBytes: number }> {
  let freedBytes = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { freed, left } = await inStep(context, ATTEMPT, () => context.storage.reclaim(RECLAIM_STEP_BYTES));
    freedBytes += freed;
    onProgress?.({ freedBytes, freeBytes: left });
    if (left === 0 || freed === 0) return { freedBytes };
    // Writes that wait go first.
    await nextTurn();
  }
}
