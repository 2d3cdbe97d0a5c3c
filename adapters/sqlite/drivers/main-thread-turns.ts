/** How long synchronous calls may follow each other before timers and sockets get their turn. */
const MAX_SLICE_MS = 2;

/** The same within a transaction: other processes that want to write wait until the event loop has come back to it. */
const MAX_TRANSACTION_SLICE_MS = 100;

let sliceBeganMs: number | undefined;

/**
 * Lets the event loop turn once synchronous calls have had the main thread for a while: to be awaited before the next
 * one, where there is anything to wait for.
 *
 * A promise around a synchronous call settles without a turn of the event loop. A loop over many pages would hold the
 * loop from its first page to its last. All connections of the process share one slice, as they share the thread.
 *
 * @returns undefined when the call may go on at once
 */
export function takeTurn(isInTransaction: boolean): Promise<void> | undefined {
  const maxSliceMs = isInTransaction ? MAX_TRANSACTION_SLICE_MS : MAX_SLICE_MS;
  if (sliceBeganMs === undefined) beginSlice();
  else if (performance.now() - sliceBeganMs >= maxSliceMs) return nextTurn();
  return undefined;
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (sliceBeganMs === undefined) beginSlice();
}

function beginSlice(): void {
  sliceBeganMs = performance.now();
  setImmediate(() => {
    sliceBeganMs = undefined;
  });
}
