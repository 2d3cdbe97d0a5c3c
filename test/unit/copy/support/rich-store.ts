import type {
  AdministrableStreamFactory,
  ContentsItems,
  ContentsPart,
  CopyableStorage,
  StreamInfo,
  TransactionalStreamFactory,
} from "../../../../protocols/index.js";
import { COPY_SPACE } from "../../../../src/copy/copy-note.js";
import { storeAccessOf } from "../../../../src/transaction/store-access.js";
import { countedUpTo } from "../../../conformance/support/sample-events.js";

export type Streams = TransactionalStreamFactory & AdministrableStreamFactory;

/** Ids and keys that a storage may take for something else. */
const NAMES = ["plain", "zero\u0000 character", "'quoted\" \\ %_", "\uffff", "\u{10000}", "ü".repeat(1_024)];

/** Fills a store with everything that a copy has to keep. */
export async function fillRichly(streams: Streams): Promise<void> {
  for (const [index, name] of NAMES.entries()) {
    await using stream = await streams.openStream(name);
    await stream.write([
      {
        type: "Keyed",
        data: { index, text: "é\u2028\u0000 1.0" },
        metadata: { by: name },
        idempotencyKey: `key ${name}`.slice(0, 1_024),
      },
      { type: "Bytes", data: new Uint8Array([0, index, 255]) },
      { type: "Nothing", data: null },
      {
        type: `Type of ${name}`.slice(0, 512),
        data: "x".repeat(20_000),
        idempotencyKey: "00000000-0000-7000-8000-000000000000",
      },
    ]);
    await stream.snapshot({ index }, { version: 2 });
    await stream.snapshot(new Uint8Array([index]), { version: 4, projection: name });
    await streams.setStreamMetadata(name, { title: name });
  }
  await streams.setStreamMetadata("without events", { title: "none" });
  await removeSome(streams);
  await streams.transaction(async ({ records }) => {
    for (const name of NAMES) await records.put(`space ${name}`.slice(0, 1_024), name, { name });
    await records.put("space", "changed", { old: true });
    await records.put("space", "gone", {});
  });
  await streams.transaction(async ({ records }) => {
    await records.put("space", "changed", { old: false });
    await records.delete("space", "gone");
  });
}

async function removeSome(streams: Streams): Promise<void> {
  for (const streamId of ["pruned", "pruned of keys", "deleted"]) {
    await using stream = await streams.openStream(streamId);
    await stream.write(countedUpTo(30).map((event, index) => ({ ...event, idempotencyKey: `k${index + 1}` })));
    await stream.snapshot({ at: 20 }, { version: 20 });
  }
  await streams.pruneStream("pruned", { before: 21 });
  await streams.pruneStream("pruned of keys", { before: 30, forgetKeys: true });
  await streams.deleteStream("deleted", { reason: { why: "a test" } });
}

/** Everything that is in a store, as its storage and its directory have it. The note of a copy is left out. */
export async function contentsOf(streams: Streams): Promise<Record<string, unknown>> {
  const directory: StreamInfo[] = [];
  for await (const info of streams.listStreams({ deleted: true })) directory.push(info);
  const items = async <Part extends ContentsPart>(part: Part) => itemsOf(streams, part);
  return {
    directory,
    events: await items("events"),
    prunedStreams: await items("prunedStreams"),
    keptKeys: await items("keptKeys"),
    snapshots: (await items("snapshots")).map(({ state, ...snapshot }) => ({
      ...snapshot,
      codec: state.codec,
      hex: hexOf(state.bytes),
    })),
    records: (await items("records")).filter(({ space }) => space !== COPY_SPACE),
    figures: await storageOf(streams).exportContents((contents) => contents.readFigures()),
  };
}

export async function itemsOf<Part extends ContentsPart>(streams: object, part: Part): Promise<ContentsItems[Part][]> {
  return storageOf(streams).exportContents(async (contents) => {
    const found: ContentsItems[Part][] = [];
    for await (const page of contents.read(part)) found.push(...page);
    return found;
  });
}

export function storageOf(streams: object): CopyableStorage {
  return storeAccessOf(streams, "look into the store").storage as CopyableStorage;
}

// The store in memory keeps what it was given, which may be a Buffer.
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
