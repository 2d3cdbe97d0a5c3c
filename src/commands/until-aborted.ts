import { onAbort } from "../watch/abort-listeners.js";

/** Waits for something that never fails, but no longer than until the signal is aborted. @throws the signal's reason */
export function untilAborted(wait: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  return signal === undefined ? wait : endsEarly(wait, signal);
}

async function endsEarly(wait: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let takeBack: () => void = () => undefined;
  const aborted = new Promise<void>((resolve) => {
    takeBack = onAbort(signal, resolve);
  });
  await Promise.race([wait, aborted]);
  takeBack();
  signal.throwIfAborted();
}
