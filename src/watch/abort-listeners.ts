/**
 * What has to end when a signal is aborted. One listener serves all that share a signal: Node warns of a leak when an
 * `AbortSignal` has more than ten, and a service that ends all its watches with one signal has none.
 */
const closersBySignal = new WeakMap<AbortSignal, AbortListener>();

interface AbortListener {
  readonly closers: Set<() => void>;
  readonly listener: () => void;
}

/** Calls `close` when the signal is aborted. The function that is returned takes that back. */
export function onAbort(signal: AbortSignal, close: () => void): () => void {
  const { closers, listener } = closersBySignal.get(signal) ?? listenTo(signal);
  // A function of its own, so that one `close` may be registered twice.
  const entry = (): void => close();
  closers.add(entry);
  return () => {
    closers.delete(entry);
    if (closers.size > 0 || closersBySignal.get(signal)?.closers !== closers) return;
    signal.removeEventListener("abort", listener);
    closersBySignal.delete(signal);
  };
}

/**
 * Waits for a promise, but no longer than until the signal is aborted. What becomes of the promise afterwards is ignored.
 *
 * @throws the signal's reason, or what the promise rejects with
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return signal === undefined ? promise : endsEarly(promise, signal);
}

async function endsEarly<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stopListening: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else stopListening = onAbort(signal, resolve);
  });
  try {
    // It handles a rejection of the promise, also of one that comes too late.
    await Promise.race([aborted, promise]);
    signal.throwIfAborted();
    return await promise;
  } finally {
    stopListening();
  }
}

function listenTo(signal: AbortSignal): AbortListener {
  const closers = new Set<() => void>();
  const listener = (): void => {
    for (const close of [...closers]) close();
  };
  const shared = { closers, listener };
  closersBySignal.set(signal, shared);
  signal.addEventListener("abort", listener);
  return shared;
}
