import { StorageError, type StorageHandle } from "../../protocols/index.js";
import { type CopyNote, readNote } from "./copy-note.js";
import { isCopyable } from "./is-copyable.js";

/** The calls that finish a copy, or end its use. */
const ALLOWED: ReadonlySet<string | symbol> = new Set(["exportContents", "importContents", Symbol.asyncDispose]);

/**
 * A storage handle of a store that was found to be an unfinished copy: it refuses every call but those of `copyStore`, until
 * the copy is complete. Otherwise what is written to it would be mixed with what is still to come.
 */
export function refuseUnfinishedCopy<Storage extends StorageHandle>(storage: Storage): Storage {
  let isComplete = false;
  const assertComplete = async (): Promise<void> => {
    if (isComplete || !isCopyable(storage)) return;
    const note = await storage.exportContents((contents) => readNote(contents, storage.location ?? "the store"));
    if (note !== undefined && !note.isComplete) throw unfinishedCopy(note, "use the store", storage.location);
    isComplete = true;
  };
  return new Proxy(storage, {
    get(target, property) {
      const member: unknown = Reflect.get(target, property, target);
      if (typeof member !== "function") return member;
      if (ALLOWED.has(property)) return member.bind(target);
      return async (...args: unknown[]): Promise<unknown> => {
        await assertComplete();
        return member.apply(target, args);
      };
    },
  });
}

/** Says that a store cannot be used yet. */
export function unfinishedCopy(note: CopyNote, attempt: string, location: string | undefined): StorageError {
  const message =
    `Cannot ${attempt} ${location ?? ""}: it is a copy of ${note.source} that is not complete, with its events up to ` +
    `position ${note.position}. Call copyStore again with the same source, or delete it.`;
  return new StorageError("STORAGE_COPY_UNFINISHED", message);
}
