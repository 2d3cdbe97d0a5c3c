import { isUint8Array } from "node:util/types";
import type { BlobData } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { untilAborted } from "../watch/abort-listeners.js";

/**
 * The bytes of a blob in chunks of one size, but for the last. They are copies: whoever makes the bytes may use its buffer
 * again.
 *
 * @throws InvalidArgumentError when the iterable has something else than bytes
 * @throws the signal's reason, or what the iterable throws
 */
export async function* chunksOf(
  data: BlobData,
  chunkBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  const chunk = new ChunkBuffer(chunkBytes);
  for await (const piece of isUint8Array(data) ? [data] : itemsUntilAborted(data, signal)) {
    if (!isUint8Array(piece)) {
      throw invalidArgument("data", `expected that each piece is a Uint8Array, got ${describeValue(piece)}`);
    }
    for (let taken = 0; taken < piece.length; ) {
      taken += chunk.add(piece.subarray(taken));
      if (!chunk.isFull) continue;
      signal?.throwIfAborted();
      yield chunk.take();
    }
  }
  signal?.throwIfAborted();
  if (chunk.length > 0) yield chunk.take();
}

const FIRST_BUFFER_BYTES = 16 * 1024;

/** Collects bytes in a buffer that grows with them, and from the second chunk on in one of its full size. */
class ChunkBuffer {
  length = 0;
  readonly #chunkBytes: number;
  #firstBytes = FIRST_BUFFER_BYTES;
  #buffer = Buffer.alloc(0);

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  get isFull(): boolean {
    return this.length === this.#chunkBytes;
  }

  /** @returns how many of the bytes it took */
  add(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.#chunkBytes - this.length);
    this.#reserve(this.length + count);
    this.#buffer.set(bytes.subarray(0, count), this.length);
    this.length += count;
    return count;
  }

  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.length);
    this.#buffer = Buffer.alloc(0);
    this.#firstBytes = this.#chunkBytes;
    this.length = 0;
    return taken;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#buffer.length) return;
    const grown = Math.max(bytes, 2 * this.#buffer.length, this.#firstBytes);
    const buffer = Buffer.allocUnsafeSlow(Math.min(grown, this.#chunkBytes));
    buffer.set(this.#buffer.subarray(0, this.length));
    this.#buffer = buffer;
  }
}

/** What an iterable has until the signal is aborted, also while its next item is awaited. */
async function* itemsUntilAborted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal | undefined,
): AsyncGenerator<T, void> {
  signal?.throwIfAborted();
  if (signal === undefined) {
    yield* source;
    return;
  }
  const iterator = source[Symbol.asyncIterator]();
  let isSuspended = true;
  try {
    while (true) {
      isSuspended = false;
      signal.throwIfAborted();
      const { value, done } = await untilAborted(iterator.next(), signal);
      if (done === true) return;
      isSuspended = true;
      yield value;
    }
  } finally {
    // One whose item is still awaited is told to end, and may not get to it.
    const returning = isSuspended || signal.aborted ? iterator.return?.() : undefined;
    if (isSuspended) await returning;
    else returning?.catch(() => undefined);
  }
}
