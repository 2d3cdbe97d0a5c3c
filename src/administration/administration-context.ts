import type { AdministrableStorage, StorageSession } from "../../protocols/index.js";
import type { StreamContext } from "../stream/stream-impl.js";

/** What the administration of streams works on. */
export interface AdministrationContext extends StreamContext {
  readonly storage: AdministrableStorage;
}

/** Makes one step of a longer call: a disposal waits for it, and lets no further one begin. */
export async function inStep<T>(
  { lifetime, pendingWrites }: Pick<StreamContext, "lifetime" | "pendingWrites">,
  attempt: string,
  step: () => Promise<T>,
): Promise<T> {
  lifetime.assertOpen(attempt);
  pendingWrites.begin();
  try {
    return await step();
  } finally {
    pendingWrites.end();
  }
}

/** Makes a step that is a transaction. */
export function transactInStep<T>(
  context: AdministrationContext,
  attempt: string,
  work: (session: StorageSession) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  return inStep(context, attempt, () => context.storage.transact(work, { signal, attempt }));
}
