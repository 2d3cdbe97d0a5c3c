import type { AppendRequest, AppendResult, StorageHandle } from "../../protocols/index.js";
import type { PendingWork } from "../adapter-kit/pending-work.js";
import { appendWith } from "../transaction/write-all.js";
import { encodedBytes } from "./content-bytes.js";
import { type MemoryBudget, overloaded } from "./memory-budget.js";
import { type Participant, participantsOf } from "./participant.js";

/** What of a store an append concerns. */
export interface AppendContext {
  readonly storage: StorageHandle;
  readonly memory: MemoryBudget;
  readonly pendingWrites: PendingWork;
  readonly participants: ReadonlySet<Participant>;
}

/**
 * Appends within the memory of the store, together with those who take part. A disposal waits for it.
 *
 * @param onStored - called with the result before it is returned, so that no caller needs a promise of its own for that
 * @throws StorageError `STORAGE_OVERLOADED` when there is no memory for it
 */
export async function acceptAppend(
  context: AppendContext,
  request: AppendRequest,
  onStored?: (result: AppendResult) => void,
): Promise<AppendResult> {
  const { memory, pendingWrites, storage, participants } = context;
  const bytes = encodedBytes(request.events);
  if (!memory.reserve(bytes)) throw overloaded(`write to stream "${request.streamId}"`, bytes, context);
  pendingWrites.begin();
  try {
    const joining = participantsOf(participants, request.events);
    const result = await (joining === undefined ? storage.append(request) : appendWith(storage, request, joining));
    onStored?.(result);
    return result;
  } finally {
    memory.release(bytes);
    pendingWrites.end();
  }
}
