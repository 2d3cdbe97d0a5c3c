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
