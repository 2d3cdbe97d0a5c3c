import { onAbort } from "../watch/abort-listeners.js";

/** Waits for something that never fails, but no longer than until the signal is aborted. @throws the signal's reason */
export async function untilAborted(wait: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (signal === undefined) return wait;
  let takeBack: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    takeBack = onAbort(signal, resolve);
  });
  await Promise.race([wait, aborted]);
  takeBack();
  signal.throwIfAborted();
}
