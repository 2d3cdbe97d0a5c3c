import {
  ALL_STREAM,
  type EncodedState,
  type LoadSnapshotOptions,
  type Snapshot,
  type SnapshotOptions,
  type SnapshotQuery,
  type StorageHandle,
} from "../../protocols/index.js";
import { streamDeleted } from "../adapter-kit/stream-deleted.js";
import { MAX_SNAPSHOT_BYTES } from "../limits.js";
import { isTombstone, lastEvent } from "../read/last-event.js";
import { type MemoryBudget, overloaded } from "../stream/memory-budget.js";
import { checkName, checkOptions, checkPlace, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import type { EventHooks } from "../view/event-hooks.js";
import { compressState, decodedStateBytes, decodeState, encodeState } from "./snapshot-codec.js";

const DEFAULT_PROJECTION = "default";

/** The assumed size of a snapshot before it is known. It limits how many are loaded at the same time. */
const LOAD_BYTES = MAX_SNAPSHOT_BYTES / 4;

const SNAPSHOT_OPTIONS: OptionNames<SnapshotOptions> = { version: true, projection: true, keep: true };
const LOAD_SNAPSHOT_OPTIONS: OptionNames<LoadSnapshotOptions> = { projection: true, atOrBefore: true };

/** The context of a stream's snapshots besides their options. */
export interface SnapshotContext {
  readonly storage: StorageHandle;
  readonly memory: MemoryBudget;
  readonly now: () => number;
  readonly hooks?: EventHooks | undefined;
  readonly streamId: string;
  /** The handle's version: the stream is there, or further. */
  readonly knownVersion: number;
}

/** A snapshot's options, checked and complete. */
interface SnapshotPlan {
  readonly version: number;
  readonly projection: string;
  readonly keep: number | undefined;
}

/** @throws InvalidArgumentError when an option or the state is invalid, or the version is beyond the stream's */
export async function saveSnapshot(context: SnapshotContext, state: unknown, options: SnapshotOptions): Promise<void> {
  const plan = parseOptions(context, options);
  const { memory, streamId } = context;
  const encoded = encodeState(state);
  const bytes = encoded.bytes.byteLength;
  if (!memory.reserve(bytes)) throw overloaded(attemptOn(streamId), bytes, context);
  try {
    await store(context, encoded, plan);
  } finally {
    memory.release(bytes);
  }
}

const attemptOn = (streamId: string): string => `save a snapshot of stream "${streamId}"`;

async function store(context: SnapshotContext, encoded: EncodedState, plan: SnapshotPlan): Promise<void> {
  const { storage, now, hooks, streamId, knownVersion } = context;
  const { version, projection, keep } = plan;
  if (version > knownVersion) {
    const current = await storage.getVersion(streamId);
    if (version > current) {
      if (isTombstone(await lastEvent(storage, streamId)))
        throw streamDeleted(attemptOn(streamId), streamId, storage.location);
      throw invalidArgument("version", `${version} is beyond stream "${streamId}", which is at ${current}`);
    }
  }
  const state = await compressState(encoded);
  const taken = { streamId, projection, version, timestamp: new Date(now()), state };
  const snapshot = hooks?.beforeSaveSnapshot === undefined ? taken : await hooks.beforeSaveSnapshot(taken);
  const { byteLength } = snapshot.state.bytes;
  const { snapshotBytes = byteLength } = storage.limits ?? {};
  if (byteLength > snapshotBytes) {
    throw invalidArgument(
      "state",
      `${byteLength} bytes, as it is stored, are more than ${snapshotBytes}, which this store takes`,
    );
  }
  await storage.saveSnapshot(snapshot, { keep });
}

function parseOptions({ streamId, knownVersion }: SnapshotContext, options: SnapshotOptions): SnapshotPlan {
  checkOptions(options, SNAPSHOT_OPTIONS);
  const { version, projection = DEFAULT_PROJECTION, keep } = options;
  if (version === undefined && streamId === ALL_STREAM) {
    throw invalidArgument("version", `a snapshot of "${ALL_STREAM}" needs the position that its state has reached`);
  }
  checkPlace("version", version);
  checkName("projection", projection);
  checkPlace("keep", keep);
  if (keep === 0) throw invalidArgument("keep", "expected 1 or more, got 0");
  return { version: version ?? knownVersion, projection, keep };
}

/** @throws InvalidArgumentError when an option is unknown or invalid */
export async function loadSnapshot(
  context: SnapshotContext,
  options: LoadSnapshotOptions,
): Promise<Snapshot<unknown> | null> {
  const query = parseQuery(context.streamId, options);
  const { memory, storage, hooks } = context;
  let bytes = LOAD_BYTES;
  await memory.beginLoad(bytes);
  try {
    const saved = await storage.loadSnapshot(query);
    const snapshot = saved && hooks?.afterLoadSnapshot ? await hooks.afterLoadSnapshot(saved) : saved;
    if (snapshot === null) return null;
    const neededBytes = decodedStateBytes(snapshot.state);
    if (neededBytes > bytes) {
      memory.endLoad(bytes);
      bytes = neededBytes;
      await memory.beginLoad(bytes);
    }
    const { streamId, projection, version, state } = snapshot;
    const what = `the snapshot "${projection}" of stream "${streamId}" at ${version}${inStore(storage.location)}`;
    return { ...snapshot, state: await decodeState(state, what) };
  } finally {
    memory.endLoad(bytes);
  }
}

function parseQuery(streamId: string, options: LoadSnapshotOptions): SnapshotQuery {
  checkOptions(options, LOAD_SNAPSHOT_OPTIONS);
  const { projection = DEFAULT_PROJECTION, atOrBefore = Number.MAX_SAFE_INTEGER } = options;
  checkName("projection", projection);
  checkPlace("atOrBefore", atOrBefore);
  return { streamId, projection, atOrBefore };
}
