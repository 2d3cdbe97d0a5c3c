import type { AppendRequest, AppendResult, StorageHandle } from "../../protocols/index.js";
import type { PendingWork } from "../adapter-kit/pending-work.js";
import type { GroupedAppends } from "../transaction/grouped-appends.js";
import type { EventHooks } from "../view/event-hooks.js";
import { hookedRequest, type OrderedAppends } from "../view/ordered-appends.js";
import { encodedBytes } from "./content-bytes.js";
import { type MemoryBudget, overloaded } from "./memory-budget.js";
import { type Participant, participantsOf } from "./participant.js";

/** What of a store an append concerns. */
export interface AppendContext {
  readonly storage: StorageHandle;
  readonly memory: MemoryBudget;
  readonly pendingWrites: PendingWork;
  readonly participants: ReadonlySet<Participant>;
  readonly grouped: GroupedAppends;
  readonly hooks?: EventHooks | undefined;
}

/**
 * Appends within the memory of the store, together with those who take part. A disposal waits for it.
 *
 * @param onStored - called with the result before it is returned, so that no caller needs a promise of its own for that
 * @param order - that of the handle's writes, where hooks may take their time
 * @throws StorageError `STORAGE_OVERLOADED` when there is no memory for it
 */
export async function acceptAppend(
  context: AppendContext,
  request: AppendRequest,
  onStored?: (result: AppendResult) => void,
  order?: OrderedAppends,
): Promise<AppendResult> {
  const { memory, pendingWrites, storage, participants, grouped } = context;
  const bytes = encodedBytes(request.events);
  if (!memory.reserve(bytes)) throw overloaded(`write to stream "${request.streamId}"`, bytes, context);
  pendingWrites.begin();
  try {
    const ready = order === undefined ? request : order.inOrder(hookedRequest(context.hooks, request, storage));
    // Nothing waits where nothing has to be waited for, so that writes keep the order of their calls.
    const hooked = ready instanceof Promise ? await ready : ready;
    const isJoined = participantsOf(participants, hooked.events) !== undefined;
    if (!isJoined) grouped.close();
    const result = await (isJoined ? grouped.append(hooked, bytes) : storage.append(hooked));
    onStored?.(result);
    return result;
  } finally {
    memory.release(bytes);
    pendingWrites.end();
  }
}
