import { StorageError } from "../../protocols/index.js";
import { MAX_SNAPSHOT_BYTES, MAX_STORE_MEMORY_BYTES } from "../limits.js";
import { inStore } from "../validate/in-call.js";

/** Holds events that can be read from storage again. */
export interface EventHolder {
  /** Drops what it holds; only an event that its consumer is waiting for stays. Nothing of it is counted any more. */
  evict(): void;
}

/** The bytes that are counted for one holder. */
export class EventHold {
  /** Weak, so that an iterator which was dropped in the middle can be collected. */
  readonly holder: WeakRef<EventHolder>;
  bytes = 0;

  constructor(holder: EventHolder) {
    this.holder = new WeakRef(holder);
  }
}

/** The part of the limit for events that can be read again. */
const HELD_SHARE = 1 / 4;

/** A holder of fewer bytes is not counted. Most reads and watches never hold more. */
export const MIN_COUNTED_BYTES = 32 * 1024;

/**
 * The memory of a store, in bytes and under one limit.
 *
 * - Writes that are not stored yet *reserve* memory, and are refused when there is too little.
 * - Snapshots that are being loaded take turns. They never make a write fail.
 * - Events that wait for a consumer are *held*, and make room for all others: the consumer that has not come for longest
 *   loses its events first, and reads them from storage again when it comes.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  #reservedBytes = 0;
  #loadingBytes = 0;
  #heldBytes = 0;
  /** The one whose consumer has not come for longest is first. */
  readonly #holds = new Set<EventHold>();
  readonly #waitingLoads: { readonly bytes: number; readonly admit: () => void }[] = [];

  constructor(limitBytes = MAX_STORE_MEMORY_BYTES) {
    this.limitBytes = limitBytes;
  }

  /** Whether so much is held that readers had better ask for small pages. */
  get isShort(): boolean {
    return this.#heldBytes >= this.#maxHeldBytes / 2;
  }

  get #maxHeldBytes(): number {
    return Math.min(this.limitBytes * HELD_SHARE, this.limitBytes - this.#reservedBytes);
  }

  /** Reserves memory, if there is enough or nothing else is reserved. */
  reserve(bytes: number): boolean {
    if (this.#reservedBytes > 0 && this.#reservedBytes + bytes > this.limitBytes) return false;
    this.#reservedBytes += bytes;
    this.#makeRoom();
    return true;
  }

  release(bytes: number): void {
    this.#reservedBytes -= bytes;
  }

  /** Waits until a snapshot may be loaded: all that are under way take no more than one may have. */
  async beginLoad(bytes: number): Promise<void> {
    if (this.#waitingLoads.length === 0 && this.#admitLoad(bytes)) return;
    await new Promise<void>((admit) => this.#waitingLoads.push({ bytes, admit }));
  }

  endLoad(bytes: number): void {
    this.#loadingBytes -= bytes;
    for (
      let [next] = this.#waitingLoads;
      next !== undefined && this.#admitLoad(next.bytes);
      [next] = this.#waitingLoads
    ) {
      this.#waitingLoads.shift();
      next.admit();
    }
  }

  #admitLoad(bytes: number): boolean {
    if (this.#loadingBytes > 0 && this.#loadingBytes + bytes > MAX_SNAPSHOT_BYTES) return false;
    this.#loadingBytes += bytes;
    return true;
  }

  /** Counts what is held now. A holder keeps its place among the others until it holds nothing. */
  count(hold: EventHold, bytes: number): void {
    const counted = bytes < MIN_COUNTED_BYTES ? 0 : bytes;
    if (counted === hold.bytes) return;
    this.#set(hold, counted);
    this.#makeRoom();
  }

  #set(hold: EventHold, bytes: number): void {
    this.#heldBytes += bytes - hold.bytes;
    hold.bytes = bytes;
    if (bytes === 0) this.#holds.delete(hold);
    else this.#holds.add(hold);
  }

  #makeRoom(): void {
    if (this.#heldBytes <= this.#maxHeldBytes) return;
    for (const hold of this.#holds) {
      this.#set(hold, 0);
      hold.holder.deref()?.evict();
      if (this.#heldBytes <= this.#maxHeldBytes) return;
    }
  }
}

/** Refuses what the budget has no room for. */
export function overloaded(
  attempt: string,
  bytes: number,
  { storage, memory }: { readonly storage: { readonly location?: string | undefined }; readonly memory: MemoryBudget },
): StorageError {
  const message =
    `Cannot ${attempt}${inStore(storage.location)}: it takes ${bytes} bytes, and what waits to be ` +
    `stored already takes most of the ${memory.limitBytes} bytes that a store may use. Nothing was stored; await writes ` +
    "before making more.";
  return new StorageError("STORAGE_OVERLOADED", message);
}
