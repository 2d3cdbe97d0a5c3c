/** How long synchronous calls may follow each other before timers and sockets get their turn. */
const MAX_SLICE_MS = 2;

let sliceBeganMs: number | undefined;

/**
 * Awaited before a synchronous call: lets the event loop turn once such calls have had the main thread for a while.
 *
 * A promise around a synchronous call settles without a turn of the event loop. A loop over many pages would hold the
 * loop from its first page to its last. All connections of the process share one slice, as they share the thread.
 */
export async function takeTurn(): Promise<void> {
  if (sliceBeganMs !== undefined && performance.now() - sliceBeganMs >= MAX_SLICE_MS) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (sliceBeganMs !== undefined) return;
  sliceBeganMs = performance.now();
  setImmediate(() => {
    sliceBeganMs = undefined;
  });
}
