import { ALL_STREAM, type StoredEvent, type StreamFactory } from "../../protocols/index.js";
import { readerPositions, sureReaders } from "../administration/event-needs.js";
import { seenLeasesOf } from "../administration/former-builds.js";
import { runnersOf } from "../projections/running-projections.js";
import { hasStoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { inAttempt } from "../validate/in-call.js";
import type { ForgetContext } from "./forget.js";
import type { ForgetReport } from "./forgotten.js";
import { forgottenEvent } from "./forgotten-event.js";
import { askKey, type KeyState } from "./key-cache.js";
import { isData } from "./personal-values.js";
import { isSealedValue, placeInStream, placeOf } from "./sealed-value.js";
import { SealingKey } from "./sealing-key.js";
import { checkSubject, hiddenSubject } from "./subject-names.js";

const TIMEOUT_MS = 10_000;

/** Reads the whole store, and tries to open what is sealed for a person. */
export async function reportForgotten(context: ForgetContext, subject: string): Promise<ForgetReport> {
  inAttempt("report on a person", context.location, () => checkSubject(subject));
  await context.names.prepare();
  const name = context.names.nameOf(subject);
  // Not by the cache: it is to be proved that nobody gets the keys.
  const keys = [await askKey(context.keys, subject, false), await askKey(context.keys, hiddenSubject(name), false)];
  let sealedFields = 0;
  let openable = 0;
  await using all = await context.streams.openStream(ALL_STREAM);
  for await (const event of all.read()) {
    for (const isOpen of sealedFor(name, event, keys)) {
      sealedFields += 1;
      if (isOpen) openable += 1;
    }
  }
  const projectionsBehind = await projectionsBefore(context.streams, await forgottenPosition(context, name));
  return { keyDestroyed: keys.every((key) => key === "forgotten"), sealedFields, openable, projectionsBehind };
}

/** For each value of an event that is sealed for a person, whether it opens. */
function* sealedFor(name: string, event: StoredEvent, keys: readonly KeyState[]): Generator<boolean, void> {
  const { streamId, type, data } = event;
  if (!isData(data)) return;
  for (const [key, value] of Object.entries(data)) {
    if (!isSealedValue(value) || value.k !== name) continue;
    const place = placeOf(streamId, { placeInStream: placeInStream(type, `data.${key}`) });
    const sealed = Buffer.from(value.c, "base64");
    yield keys.some((each) => each instanceof SealingKey && each.open(place, sealed) !== undefined);
  }
}

/** The position of the event that says that the person is forgotten. Infinity: there is none. */
async function forgottenPosition({ streams, auditStream }: ForgetContext, name: string): Promise<number> {
  const { idempotencyKey = "" } = forgottenEvent(name);
  await using audit = await streams.openStream(auditStream);
  for await (const { position } of audit.read({ filter: [{ field: "id", op: "=", value: idempotencyKey }] })) {
    return position;
  }
  return Number.POSITIVE_INFINITY;
}

async function projectionsBefore(streams: StreamFactory, position: number): Promise<readonly string[]> {
  if (!hasStoreAccess(streams)) return [];
  const attempt = "report what is left of a person";
  const { context, storage, run } = storeAccessOf(streams, attempt);
  const plan = { timeoutMs: TIMEOUT_MS, signal: undefined };
  const seen = seenLeasesOf(storage);
  const read = () => run(attempt, (_, call) => call(attempt, ({ records }) => readerPositions(records, seen)), plan);
  const readers = await sureReaders(context, read, { upTo: position, signal: undefined });
  const behind = new Set<string>();
  for (const { name, position: recorded } of readers) {
    const [, projection] = /^projection (\w+)@/.exec(name) ?? [];
    if (projection === undefined) continue;
    // What this process has projected may not be written down yet.
    const own = [...runnersOf(streams)].map((runner) => runner.lastPositionOf(projection) ?? 0);
    if (Math.max(recorded, ...own) < position) behind.add(projection);
  }
  return [...behind];
}
