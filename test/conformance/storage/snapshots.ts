import { ALL_STREAM, type EncodedState, type Snapshot, type StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { isBytes } from "../support/bytes.js";
import { countedUpTo, wholeNumbers } from "../support/sample-events.js";
import { SNAPSHOT_BYTES } from "../support/snapshot-bytes.js";
import { append } from "../support/storage-calls.js";

interface SnapshotSpec {
  readonly version: number;
  readonly state: Uint8Array | string;
  readonly streamId?: string;
  readonly projection?: string;
  readonly codec?: string;
}

function snapshotOf(spec: SnapshotSpec): Snapshot<EncodedState> {
  const { version, state, streamId = "a", projection = "default", codec = "bytes" } = spec;
  const bytes = typeof state === "string" ? new TextEncoder().encode(state) : state;
  return { streamId, projection, version, timestamp: new Date(1_700_000_000_123), state: { codec, bytes } };
}

export function describeSnapshots({ describe, test, expect }: Suite<StorageHandle>): void {
  async function loadedState(
    storage: StorageHandle,
    query: { readonly streamId?: string; readonly projection?: string; readonly atOrBefore?: number } = {},
  ): Promise<string | null> {
    const snapshot = await storage.loadSnapshot({ streamId: "a", projection: "default", ...query });
    return snapshot && new TextDecoder().decode(snapshot.state.bytes);
  }

  describe("snapshots", () => {
    test("of a stream that has none are null", async (storage) => {
      await append(storage, "a", countedUpTo(3));

      expect(await storage.loadSnapshot({ streamId: "a", projection: "default" })).toBe(null);
    });

    test("come back as they were saved", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      const saved = snapshotOf({
        version: 3,
        state: new Uint8Array([0, 1, 254, 255]),
        projection: "sum",
        codec: "any codec",
      });
      await storage.saveSnapshot(saved);

      const loaded = await storage.loadSnapshot({ streamId: "a", projection: "sum" });
      expect({ ...loaded, state: undefined }).toEqual({ ...saved, state: undefined });
      expect(loaded?.state.codec).toBe("any codec");
      expect(Array.from(loaded?.state.bytes ?? [])).toEqual([0, 1, 254, 255]);
    });

    test("carry any bytes", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      for (const [what, state] of SNAPSHOT_BYTES) {
        await storage.saveSnapshot(snapshotOf({ version: 3, state, projection: what }));
        const loaded = await storage.loadSnapshot({ streamId: "a", projection: what });
        expect(isBytes(loaded?.state.bytes, state)).toBe(true);
      }
    });

    test("of several versions are kept, and the newest wins, in whatever order they were saved", async (storage) => {
      await append(storage, "a", countedUpTo(30));
      for (const version of [20, 30, 10, 25])
        await storage.saveSnapshot(snapshotOf({ version, state: `at ${version}` }));

      expect(await loadedState(storage)).toBe("at 30");
      expect(await loadedState(storage, { atOrBefore: 29 })).toBe("at 25");
      expect(await loadedState(storage, { atOrBefore: 20 })).toBe("at 20");
    });

    test("are found at or before a version", async (storage) => {
      await append(storage, "a", countedUpTo(30));
      for (const version of [10, 20, 30]) await storage.saveSnapshot(snapshotOf({ version, state: `at ${version}` }));

      const found = await Promise.all(
        [0, 9, 10, 11, 29, 30, 31, Number.MAX_SAFE_INTEGER].map((atOrBefore) => loadedState(storage, { atOrBefore })),
      );
      expect(found).toEqual([null, null, "at 10", "at 10", "at 20", "at 30", "at 30", "at 30"]);
    });

    test("stay as the newest so many of their projection where an older one may go", async (storage) => {
      await append(storage, "a", countedUpTo(30));
      const save = (version: number, spec: Partial<SnapshotSpec> = {}, keep?: number): Promise<void> =>
        storage.saveSnapshot(snapshotOf({ version, state: `at ${version}`, ...spec }), { keep });
      await save(1, { projection: "other" });
      await save(2, { streamId: "b" });
      for (const version of [5, 20]) await save(version);
      for (const version of [10, 30, 25]) await save(version, {}, 2);

      // An adapter may keep more than it is asked to.
      const atOrBefore = (version: number): Promise<string | null> => loadedState(storage, { atOrBefore: version });
      expect(await atOrBefore(30)).toBe("at 30");
      expect(await atOrBefore(29)).toBe("at 25");
      expect([null, "at 20"].includes(await atOrBefore(24))).toBe(true);
      expect([null, "at 5"].includes(await atOrBefore(9))).toBe(true);
      expect(await loadedState(storage, { projection: "other" })).toBe("at 1");
      expect(await loadedState(storage, { streamId: "b" })).toBe("at 2");
    });

    test("of one version replace each other", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      await storage.saveSnapshot(snapshotOf({ version: 2, state: "older" }));
      await storage.saveSnapshot(snapshotOf({ version: 3, state: "first" }));
      await storage.saveSnapshot(snapshotOf({ version: 3, state: "second" }));

      expect(await loadedState(storage)).toBe("second");
      expect(await loadedState(storage, { atOrBefore: 2 })).toBe("older");
    });

    test("belong to their stream and projection", async (storage) => {
      await append(storage, "a", countedUpTo(9));
      await append(storage, "b", countedUpTo(9));
      await storage.saveSnapshot(snapshotOf({ version: 1, state: "a default" }));
      await storage.saveSnapshot(snapshotOf({ version: 2, state: "a other", projection: "other" }));
      await storage.saveSnapshot(snapshotOf({ version: 3, state: "b default", streamId: "b" }));

      expect(await loadedState(storage)).toBe("a default");
      expect(await loadedState(storage, { projection: "other" })).toBe("a other");
      expect(await loadedState(storage, { projection: "Other" })).toBe(null);
      expect(await loadedState(storage, { streamId: "b" })).toBe("b default");
      expect(await loadedState(storage, { streamId: "b", projection: "other" })).toBe(null);
    });

    test("of @all are those of a stream of its own", async (storage) => {
      const { position } = await append(storage, "a", countedUpTo(3));
      await storage.saveSnapshot(snapshotOf({ version: position, state: "everything", streamId: ALL_STREAM }));

      expect(await loadedState(storage, { streamId: ALL_STREAM })).toBe("everything");
      expect(await loadedState(storage)).toBe(null);
    });

    test("may be of a stream that has no events yet", async (storage) => {
      await storage.saveSnapshot(snapshotOf({ version: 0, state: "at the beginning" }));

      expect(await loadedState(storage)).toBe("at the beginning");
      expect(await storage.getVersion("a")).toBe(0);
      expect(await append(storage, "a", countedUpTo(1), { expectedVersion: 0 })).toMatchObject({ version: 1 });
    });

    test("change nothing about the events", async (storage) => {
      await append(storage, "a", countedUpTo(3));
      const before = [await storage.getMetrics("a"), await storage.getMetrics(ALL_STREAM)];
      await storage.saveSnapshot(snapshotOf({ version: 2, state: "state" }));

      expect([await storage.getMetrics("a"), await storage.getMetrics(ALL_STREAM)]).toEqual(before);
    });

    test("may be saved many at once", async (storage) => {
      await append(storage, "a", countedUpTo(40));
      await Promise.all(
        wholeNumbers(1, 40).map((version) => storage.saveSnapshot(snapshotOf({ version, state: `at ${version}` }))),
      );

      expect(await loadedState(storage)).toBe("at 40");
      expect(await loadedState(storage, { atOrBefore: 17 })).toBe("at 17");
    });
  });
}
