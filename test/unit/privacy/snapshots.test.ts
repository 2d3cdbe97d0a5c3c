import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import type { StreamFactory } from "../../../index.js";
import { type Fold, handle, loadState } from "../../../src/commands/index.js";
import { type PrivacyOptions, protectPersonalData } from "../../../src/privacy/index.js";
import { streamContextOf } from "../../../src/stream/context-access.js";
import { STORES } from "../consumers/support/stores.js";
import { counted, customerTypes, opened, ordered, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

interface Registration {
  readonly type: string;
  readonly data: { readonly email?: string | null };
}

/** All mail addresses of a stream. */
const emails: Fold<(string | null)[], Registration> = {
  name: "emails",
  version: 2,
  initial: () => [],
  evolve: (state, { data: { email } }) => (email === undefined ? state : [...state, email]),
  snapshot: { every: 2 },
};

async function snapshotIn(streams: StreamFactory, projection = "emails@2", streamId = "ada"): Promise<unknown> {
  await using stream = await streams.openStream(streamId);
  return (await stream.loadSnapshot({ projection }))?.state ?? null;
}

describe.each(STORES)("snapshots over %s", (_name, open) => {
  async function setUp(options: PrivacyOptions = {}) {
    const base = await open();
    const keys = new MemoryKeys();
    const streams = protectPersonalData(base, customerTypes, keys, { keyTtlMs: 0, ...options });
    return { base, keys, streams, [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() };
  }

  test("are sealed with the key of the person that is named for their fold, and none once that person is forgotten", async () => {
    const asked: string[] = [];
    const snapshotSubject = (streamId: string, fold: string) => {
      asked.push(fold);
      return streamId;
    };
    await using store = await setUp({ snapshotSubject });
    const { streams, base } = store;
    await writeTo(
      streams,
      "ada",
      registered("ada", "one@example.org"),
      registered("ada", "two@example.org"),
      counted(1),
    );
    const loaded = { state: ["one@example.org", "two@example.org"], version: 3 };
    expect(await loadState(streams, emails, "ada")).toEqual(loaded);
    await vi.waitUntil(async () => (await snapshotIn(streams)) !== null);
    expect(await snapshotIn(streams)).toEqual(loaded.state);
    await expect(snapshotIn(base)).rejects.toMatchObject({
      code: "STORAGE_NEWER_SCHEMA",
      message: expect.stringMatching(/of stream "ada" at 3 .*: it is sealed .* protectPersonalData/),
    });
    expect(new Set(asked)).toEqual(new Set(["emails"]));

    await streams.forget("ada");
    expect(await snapshotIn(streams)).toBeNull();
    expect(await loadState(streams, emails, "ada")).toEqual({ state: [null, null], version: 3 });
    await using stream = await streams.openStream("ada");
    await expect(stream.snapshot(["three@example.org"], { projection: "emails@2" })).rejects.toMatchObject({
      code: "SUBJECT_FORGOTTEN",
    });
  });

  test("are refused where nobody's key seals them and the stream has personal data, and written nowhere", async () => {
    await using store = await setUp();
    await writeTo(store.streams, "ada", counted(1), opened("ada"));
    await using stream = await store.streams.openStream("ada");
    await expect(stream.snapshot({ owner: "ada" })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "state",
      message: expect.stringContaining("snapshotSubject"),
    });
    expect(await snapshotIn(store.base, "default")).toBeNull();
    // Up to there it has none.
    await stream.snapshot({ count: 1 }, { version: 1 });
    expect(await snapshotIn(store.base, "default")).toEqual({ count: 1 });
    expect(await snapshotIn(store.streams, "default")).toEqual({ count: 1 });
  });

  test("of a fold are refused likewise: a message says so, and commands and loads go on without", async () => {
    await using store = await setUp();
    const { streams, base } = store;
    const told: unknown[] = [];
    const listener = (message: unknown): void => void told.push(message);
    subscribe("async-streams:commands", listener);
    onTestFinished(() => void unsubscribe("async-streams:commands", listener));
    const decide = () => [1, 2].map(() => registered("ada", "ada@example.org")) as never;
    const { state } = await handle(streams, emails, "ada", decide);
    expect(state).toEqual(["ada@example.org", "ada@example.org"]);
    const refused = {
      kind: "snapshot-failed",
      streamId: "ada",
      projection: "emails@2",
      error: { code: "INVALID_ARGUMENT", argument: "state" },
    };
    await vi.waitFor(() => expect(told).toMatchObject([refused]));
    await writeTo(streams, "ada", registered("ada", "new@example.org"));
    expect(await loadState(streams, emails, "ada")).toMatchObject({ version: 3 });
    await vi.waitFor(() => expect(told).toMatchObject([refused, refused]));
    expect(await snapshotIn(base)).toBeNull();
  });

  describe("of a stream with the data of two persons", () => {
    const snapshotSubject = (streamId: string) => (streamId === "nobody" ? null : "ada");

    test("are refused whichever event has the other person's data, and written nowhere", async () => {
      await using store = await setUp({ snapshotSubject });
      const { streams, base } = store;
      const streamIds = ["by another event", "by another field", "by a hidden id"];
      const others = [registered("ben", "ben@example.org"), ordered("ada", "ben"), opened("ben")];
      for (const [index, streamId] of streamIds.entries()) {
        await writeTo(streams, streamId, registered("ada", "ada@example.org"), counted(1), others[index] as never);
        await using stream = await streams.openStream(streamId);
        await expect(stream.snapshot({ all: "ben@example.org" })).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
          argument: "state",
          message: expect.stringMatching(/of others than the person.*\(event 3 is/),
        });
        expect(await snapshotIn(base, "default", streamId)).toBeNull();
      }
    });

    test("are those of its beginning, where it had the data of one, and none once that person is forgotten", async () => {
      await using store = await setUp({ snapshotSubject });
      const { streams } = store;
      await writeTo(streams, "both", registered("ada", "ada@example.org"), counted(1));
      await using stream = await streams.openStream("both");
      await stream.snapshot({ of: "ada" });
      await stream.write([registered("ben", "ben@example.org")]);
      await expect(stream.snapshot({ of: "both" })).rejects.toMatchObject({ argument: "state" });
      await stream.snapshot({ of: "ada again" }, { version: 2 });

      await streams.forget("ben");
      expect(await snapshotIn(streams, "default", "both")).toEqual({ of: "ada again" });
      await streams.forget("ada");
      expect(await snapshotIn(streams, "default", "both")).toBeNull();
    });

    test("are refused although one of a version beyond its end was tried before the data came", async () => {
      await using store = await setUp({ snapshotSubject });
      const { streams } = store;
      await writeTo(streams, "both", registered("ada", "ada@example.org"));
      await using stream = await streams.openStream("both");
      await expect(stream.snapshot({}, { version: 2 })).rejects.toMatchObject({ argument: "version" });
      await stream.write([registered("ben", "ben@example.org")]);

      await expect(stream.snapshot({ of: "both" })).rejects.toMatchObject({ argument: "state" });
    });
  });

  test("read only those events of their stream that are new since the last", async () => {
    await using store = await setUp({ snapshotSubject: (streamId) => streamId });
    const { streams, base } = store;
    const readPage = vi.spyOn(streamContextOf(base).storage, "readPage");
    await using stream = await streams.openStream("ada");
    const places: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      await stream.write([registered("ada", "ada@example.org"), counted(round)]);
      readPage.mockClear();
      await stream.snapshot({ round });
      places.push(...readPage.mock.calls.map(([{ after = 0 }]) => after));
    }
    await stream.snapshot({ round: "again" });

    expect(places).toEqual([0, 2, 4]);
    expect(readPage).toHaveBeenCalledTimes(1);
  });

  test("of streams without personal data stay as they are", async () => {
    await using store = await setUp({ snapshotSubject: () => null });
    await writeTo(store.streams, "counter", counted(1), counted(2));
    await using stream = await store.streams.openStream("counter");
    await stream.snapshot({ count: 2 }, { projection: "count" });
    expect(await snapshotIn(store.base, "count", "counter")).toEqual({ count: 2 });
  });

  test("that were saved before they were sealed, or sealed for another fold, are none", async () => {
    await using store = await setUp({ snapshotSubject: (streamId) => streamId });
    await writeTo(store.streams, "ada", registered("ada", "one@example.org"));
    {
      await using stream = await store.base.openStream("ada");
      await stream.snapshot(["one@example.org"], { projection: "emails@2" });
    }
    expect(await snapshotIn(store.streams)).toBeNull();
    await using sealing = await store.streams.openStream("ada");
    await sealing.snapshot(["one@example.org"], { projection: "emails@2" });
    expect(await snapshotIn(store.streams)).toEqual(["one@example.org"]);
    const unnamed = protectPersonalData(store.base, customerTypes, store.keys, { keyTtlMs: 0 });
    expect(await snapshotIn(unnamed)).toBeNull();
    const renamed = protectPersonalData(store.base, customerTypes, store.keys, {
      keyTtlMs: 0,
      snapshotSubject: () => "ben",
    });
    expect(await snapshotIn(renamed)).toBeNull();
  });

  test("of nobody in particular are refused", async () => {
    await using store = await setUp({ snapshotSubject: () => 7 as never });
    await using stream = await store.streams.openStream("ada");
    await expect(stream.snapshot({})).rejects.toMatchObject({ argument: "subject" });
  });
});
