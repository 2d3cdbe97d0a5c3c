import type { StreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";
import { sleep } from "./sleep.js";

/** How long an appender rests between two appends. */
const PAUSE_MS = 2;

/** Appends one event after the other to a stream until something else is done. @returns how long each took */
export async function appendBeside(
  streams: StreamFactory,
  streamId: string,
  other: Promise<unknown>,
): Promise<number[]> {
  let isDone = false;
  const ended = other.finally(() => {
    isDone = true;
  });
  const stream = await streams.openStream(streamId);
  const latenciesMs: number[] = [];
  while (!isDone) {
    const beganMs = performance.now();
    await stream.write(makeEvent(latenciesMs.length));
    latenciesMs.push(performance.now() - beganMs);
    await sleep(PAUSE_MS);
  }
  await ended;
  return latenciesMs;
}
