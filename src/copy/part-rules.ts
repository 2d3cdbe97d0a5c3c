import type {
  ContentsItems,
  ContentsKeys,
  ContentsPart,
  CopiedEvent,
  EncodedState,
  Snapshot,
} from "../../protocols/index.js";
import { compareCodePoints } from "../adapter-kit/code-point-order.js";

/** What a copy has to know of the items of a part. */
interface PartRules<Part extends ContentsPart> {
  /** The order of the keys. */
  compare(a: KeyOf<Part>, b: KeyOf<Part>): number;
  /** Whether two items with the same key are the same. */
  isSame(a: ContentsItems[Part], b: ContentsItems[Part]): boolean;
  /** About how much an item takes. */
  bytesOf(item: ContentsItems[Part]): number;
  /** Names an item in a message; of a stream whose first events were removed, with its first version. */
  nameOf(item: ContentsItems[Part]): string;
}

/** A key alone, or an item, which has it. */
type KeyOf<Part extends ContentsPart> = ContentsKeys[Part] | ContentsItems[Part];

/** What an item takes besides its content. */
const ITEM_BYTES = 100;

export const PART_RULES: { readonly [Part in ContentsPart]: PartRules<Part> } = {
  events: {
    compare: (a, b) => a.position - b.position,
    isSame: isSameEvent,
    bytesOf: ({ event }) => ITEM_BYTES + event.data.length + (event.metadata?.length ?? 0),
    nameOf: ({ position }) => `the event at position ${position}`,
  },
  prunedStreams: {
    compare: (a, b) => compareCodePoints(a.streamId, b.streamId),
    isSame: (a, b) => a.firstVersion === b.firstVersion,
    bytesOf: () => ITEM_BYTES,
    nameOf: ({ streamId, firstVersion }) => `the first version of stream "${streamId}" (${firstVersion})`,
  },
  keptKeys: {
    compare: (a, b) => compareCodePoints(a.streamId, b.streamId) || compareCodePoints(a.key, b.key),
    isSame: (a, b) => a.version === b.version && a.position === b.position,
    bytesOf: ({ key }) => ITEM_BYTES + key.length,
    nameOf: ({ streamId, key }) => `the idempotency key "${key}" of stream "${streamId}"`,
  },
  snapshots: {
    compare: (a, b) =>
      compareCodePoints(a.streamId, b.streamId) ||
      compareCodePoints(a.projection, b.projection) ||
      a.version - b.version,
    isSame: isSameSnapshot,
    bytesOf: ({ state }) => ITEM_BYTES + state.bytes.length,
    nameOf: ({ streamId, projection, version }) => `the snapshot "${projection}" of stream "${streamId}" at ${version}`,
  },
  records: {
    compare: (a, b) => compareCodePoints(a.space, b.space) || compareCodePoints(a.key, b.key),
    isSame: (a, b) => a.revision === b.revision && a.value === b.value,
    bytesOf: ({ value }) => ITEM_BYTES + value.length,
    nameOf: ({ space, key }) => `the record "${key}" of "${space}"`,
  },
};

function isSameEvent(a: CopiedEvent, b: CopiedEvent): boolean {
  return (
    a.position === b.position &&
    a.version === b.version &&
    a.streamId === b.streamId &&
    a.timestampMs === b.timestampMs &&
    a.event.id === b.event.id &&
    a.event.idempotencyKey === b.event.idempotencyKey &&
    a.event.type === b.event.type &&
    a.event.metadata === b.event.metadata &&
    isSameData(a.event.data, b.event.data)
  );
}

function isSameSnapshot(a: Snapshot<EncodedState>, b: Snapshot<EncodedState>): boolean {
  const isSameTime = a.timestamp.getTime() === b.timestamp.getTime();
  return isSameTime && a.state.codec === b.state.codec && isSameData(a.state.bytes, b.state.bytes);
}

function isSameData(a: string | Uint8Array, b: string | Uint8Array): boolean {
  if (typeof a === "string" || typeof b === "string") return a === b;
  return Buffer.compare(a, b) === 0;
}
