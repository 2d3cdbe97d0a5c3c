import type { EncodedState, Snapshot, StorageHandle } from "../../protocols/index.js";
import type { BrokenStorage } from "./broken-storage.js";
import { overriding } from "./overriding.js";

/** Keeps the snapshots that were saved, in order, and has `choose` say which of them is loaded. */
function withSnapshots(
  storage: StorageHandle,
  choose: (saved: readonly Snapshot<EncodedState>[], atOrBefore: number) => Snapshot<EncodedState> | undefined,
): StorageHandle {
  const saved: Snapshot<EncodedState>[] = [];
  return overriding(storage, {
    saveSnapshot: async (snapshot) => {
      saved.push(snapshot);
    },
    loadSnapshot: async ({ streamId, projection, atOrBefore = Number.MAX_SAFE_INTEGER }) => {
      const own = saved.filter((snapshot) => snapshot.streamId === streamId && snapshot.projection === projection);
      return choose(own, atOrBefore) ?? null;
    },
  });
}

export const BROKEN_SNAPSHOTS: readonly BrokenStorage[] = [
  {
    fault: "lets an older snapshot win that was saved later",
    group: "snapshots",
    found: "of several versions are kept, and the newest wins, in whatever order they were saved",
    breakStorage: (storage) =>
      withSnapshots(storage, (saved, atOrBefore) => saved.findLast(({ version }) => version <= atOrBefore)),
  },
  {
    fault: "finds snapshots before a version, but not at it",
    group: "snapshots",
    found: "are found at or before a version",
    breakStorage: (storage) =>
      withSnapshots(storage, (saved, atOrBefore) =>
        saved
          .filter(({ version }) => version < atOrBefore)
          .sort((a, b) => a.version - b.version)
          .at(-1),
      ),
  },
  {
    fault: "keeps the first snapshot of a version instead of the last",
    group: "snapshots",
    found: "of one version replace each other",
    breakStorage: (storage) =>
      withSnapshots(
        storage,
        (saved, atOrBefore) =>
          saved.filter(({ version }) => version <= atOrBefore).sort((a, b) => b.version - a.version)[0],
      ),
  },
  {
    fault: "keeps one snapshot of a stream only",
    group: "snapshots",
    found: "are found at or before a version",
    breakStorage: (storage) =>
      withSnapshots(storage, (saved, atOrBefore) =>
        [saved.at(-1)].find((last) => last !== undefined && last.version <= atOrBefore),
      ),
  },
];
