import {
  type ContentsItems,
  type ContentsPart,
  type CopyableStorage,
  StorageError,
  type StoreContents,
} from "../../protocols/index.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { storeAccessOf } from "../transaction/store-access.js";
import { inStore } from "../validate/in-call.js";
import { copiedRecords } from "./copied-records.js";
import { isCopyable } from "./is-copyable.js";

/** One of the two stores of a copy. */
export interface CopySide {
  readonly context: StreamContext;
  readonly storage: CopyableStorage;
  /** The name of the store in messages. */
  readonly name: string;
}

/** @throws StorageError `STORAGE_UNSUPPORTED` */
export function copySideOf(streams: unknown, attempt: string): CopySide {
  const { context, storage, location } = storeAccessOf(streams, attempt);
  if (isCopyable(storage)) return { context, storage, name: location ?? "the store" };
  const message = `Cannot ${attempt}${inStore(location)}: its adapter cannot copy stores. Read the events of one, and write them to the other.`;
  throw new StorageError("STORAGE_UNSUPPORTED", message);
}

/**
 * Reads a part as a copy has it.
 *
 * @param store - the store that it is read of, for messages
 */
export function readPart<Part extends ContentsPart>(
  contents: StoreContents,
  store: string,
  part: Part,
  after?: ContentsItems[Part],
): AsyncIterable<readonly ContentsItems[Part][]> {
  if (part !== "records") return contents.read(part, after);
  return copiedRecords(contents, store, after as ContentsItems["records"] | undefined) as AsyncIterable<
    readonly ContentsItems[Part][]
  >;
}
