import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { lastValueFrom } from "rxjs";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { sqliteKeyStore } from "../../../adapters/sqlite/keys/key-store.js";
import { ALL_STREAM, type EventShape, StorageError, type StoredEvent } from "../../../index.js";
import { consume, parked, retryParked } from "../../../src/consumers/index.js";
import type { KeyStore } from "../../../src/privacy/key-store.js";
import { protectPersonalData } from "../../../src/privacy/protect-personal-data.js";
import {
  type MemoryProjection,
  projectToMemory,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { Observation } from "../../conformance/support/observation.js";
import { overriding } from "../../support/overriding.js";
import { listOf, STORES, type Store } from "../consumers/support/stores.js";
import { counted, customerTypes, registered, writeTo } from "./support/customers.js";
import { testMasterKey } from "./support/master-key.js";
import { MemoryKeys } from "./support/memory-keys.js";

let messages: { readonly kind: string; readonly attempts: number }[] = [];
const listener = (message: unknown): void => void messages.push(message as (typeof messages)[number]);
beforeEach(() => {
  messages = [];
  subscribe("async-streams:watch", listener);
});
afterEach(() => unsubscribe("async-streams:watch", listener));

const NO_CACHE = { keyTtlMs: 0 };

/** The same store for a writer and for a reader, whose way to the keys may fail. */
function protect(base: Store, keys: KeyStore = new MemoryKeys()) {
  const state: { failure: unknown; failed: number } = { failure: undefined, failed: 0 };
  const get: KeyStore["get"] = async (subject, create) => {
    if (state.failure === undefined) return keys.get(subject, create);
    state.failed += 1;
    throw state.failure;
  };
  const writer = protectPersonalData(base, customerTypes, keys, NO_CACHE);
  const reader = protectPersonalData(base, customerTypes, overriding(keys, { get }), NO_CACHE);
  return { writer, reader, state };
}

/** What tells the events of these tests apart. */
const markOf = ({ data }: StoredEvent): unknown => {
  const { email, number } = data as { email?: unknown; number?: unknown };
  return email ?? number;
};
const marksOf = (events: readonly StoredEvent[]): unknown[] => events.map(markOf);
const marks: MemoryProjection<unknown[], EventShape> = {
  name: "marks",
  initial: () => [],
  evolve: (all, event) => [...all, markOf(event)],
};

describe.each(STORES)("while the key store is away, over %s,", (_name, open) => {
  test("a watch that replays waits and says so, and goes on with the event that it could not open", async () => {
    await using base = await open();
    const { writer, reader, state } = protect(base);
    await writeTo(writer, "a", counted(1), registered("ada", "2@x"), counted(3), registered("ben", "4@x"));
    state.failure = new Error("no connection");
    await using stream = await reader.openStream("a");
    const observation = new Observation(stream.watch({ after: 0 }));
    await expect.poll(() => messages.length).toBeGreaterThan(2);
    expect(marksOf(observation.events)).toEqual([1]);
    expect(messages.map(({ attempts }) => attempts)).toEqual(messages.map((_message, index) => index + 1));
    expect(messages[0]).toMatchObject({
      kind: "waiting",
      streamId: "a",
      after: 1,
      waitMs: expect.any(Number),
      error: { code: "STORAGE_UNAVAILABLE", message: expect.stringContaining("no connection") },
    });
    await writeTo(writer, "a", registered("ada", "5@x"), counted(6));
    state.failure = undefined;

    await expect.poll(() => marksOf(observation.events)).toEqual([1, "2@x", 3, "4@x", "5@x", 6]);
    expect(messages.filter(({ kind }) => kind === "resumed").length).toBe(1);
    await writeTo(writer, "a", counted(7));
    await expect.poll(() => marksOf(observation.events)).toEqual([1, "2@x", 3, "4@x", "5@x", 6, 7]);
    expect(observation.errors).toEqual([]);
    observation.unsubscribe();
  });

  test("a live watch of all streams waits, again each time, and leaves nothing out", async () => {
    await using base = await open();
    const { writer, reader, state } = protect(base);
    await writeTo(writer, "a", counted(-1));
    await using all = await reader.openStream(ALL_STREAM);
    const observation = new Observation(all.watch({ after: 0 }));
    await expect.poll(() => observation.events.length).toBe(1);
    const expected: unknown[] = [-1];
    const locked = new StorageError("STORAGE_LOCKED", "Another process holds the lock.");
    for (const [round, failure] of [new Error("no connection"), locked, "no error"].entries()) {
      state.failure = failure;
      const failed = state.failed;
      const email = `${round}@x`;
      await writeTo(writer, `a-${round}`, counted(round), registered("ada", email), counted(round));
      await expect.poll(() => state.failed).toBeGreaterThan(failed + 1);
      expect(observation.events.length).toBe(expected.length + 1);
      state.failure = undefined;
      expected.push(round, email, round);
      await expect.poll(() => marksOf(observation.events)).toEqual(expected);
    }
    observation.unsubscribe();
  });

  test("a watch that waits ends at once when it is left, and gets nothing afterwards", async () => {
    await using base = await open();
    const { writer, reader, state } = protect(base);
    await writeTo(writer, "a", registered("ada", "1@x"));
    await using stream = await reader.openStream("a");
    state.failure = new Error("no connection");
    const observation = new Observation(stream.watch({ after: 0 }));
    const aborting = new AbortController();
    const failure = failureOf(stream.watch({ after: 0, signal: aborting.signal })[Symbol.asyncIterator]().next());
    await expect.poll(() => messages.length).toBeGreaterThan(1);
    aborting.abort(new Error("enough"));
    observation.unsubscribe();
    expect(await failure).toMatchObject({ message: "enough" });
    state.failure = undefined;
    const another = stream.watch({ after: 0 })[Symbol.asyncIterator]();
    expect(markOf((await another.next()).value as StoredEvent)).toBe("1@x");
    await another.return?.();
    expect(observation.events).toEqual([]);
  });

  test("a read model in memory waits, again each time, and takes each event once", async () => {
    await using base = await open();
    const { writer, reader, state } = protect(base);
    await using model = await projectToMemory(reader, marks);
    const expected: unknown[] = [];
    const locked = new StorageError("STORAGE_LOCKED", "Another process holds the lock.");
    for (const [round, failure] of [new Error("no connection"), locked, "no error"].entries()) {
      state.failure = failure;
      const { failed } = state;
      const email = `${round}@x`;
      await writeTo(writer, "a", counted(round), registered("ada", email), counted(round));
      await expect.poll(() => state.failed).toBeGreaterThan(failed + 1);
      expect(model.state).toEqual([...expected, round]);
      state.failure = undefined;
      expected.push(round, email, round);
      await expect.poll(() => model.state).toEqual(expected);
    }
  });

  test("a read model in memory says what it waits for, and ends where a key does not unwrap", async () => {
    await using base = await open();
    const { writer, reader, state } = protect(base);
    await using model = await projectToMemory(reader, marks);
    state.failure = new Error("no connection");
    await writeTo(writer, "a", counted(1), registered("ada", "2@x"));
    await expect.poll(() => state.failed).toBeGreaterThan(1);
    const timeout = { code: "TIMEOUT", message: expect.stringContaining("no connection") };
    await expect(model.whenProcessed(2, { timeoutMs: 0 })).rejects.toMatchObject(timeout);
    const { wrap } = testMasterKey();
    await using keys = await sqliteKeyStore(":memory:", { wrap, unwrap: testMasterKey(Buffer.alloc(32, 8)).unwrap });
    await keys.get("ada", true);
    state.failure = await failureOf(keys.get("ada", false));
    await expect(lastValueFrom(model.changes)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    await expect(model.whenProcessed(2)).rejects.toBe(state.failure);
    expect(model.state).toEqual([1]);
  });

  test("a projection tries again, and has what comes before meanwhile", async () => {
    await using base = await open();
    const { writer, reader, state } = protect(base);
    const projected: unknown[] = [];
    const project = async (events: readonly StoredEvent[]) => void projected.push(...marksOf(events));
    await using _ = await runProjections(reader, [{ name: "p", project }]);
    state.failure = new Error("no connection");
    await writeTo(writer, "a", counted(1), registered("ada", "2@x"), counted(3));
    await expect.poll(() => state.failed).toBeGreaterThan(1);
    expect(projected).toEqual([1]);
    state.failure = undefined;
    await whenProcessed(base, "p", 3);
    expect(projected).toEqual([1, "2@x", 3]);
  });

  test("a consumer says so and tries again, with what it has parked, too", async () => {
    await using base = await open();
    const told: { readonly kind: string }[] = [];
    const onMessage = (message: unknown): void => void told.push(message as (typeof told)[number]);
    subscribe("async-streams:consumer", onMessage);
    onTestFinished(() => void unsubscribe("async-streams:consumer", onMessage));
    const { writer, reader, state } = protect(base);
    const handled: unknown[] = [];
    let isBroken = true;
    const handle = async (event: StoredEvent): Promise<void> => {
      if (isBroken && event.streamId === "a") throw new Error("broken");
      handled.push(markOf(event));
    };
    const definition = { name: "mail", startFrom: "beginning", handle } as const;
    await using _ = await consume(reader, definition, { retry: { attempts: 1 } });
    state.failure = new Error("no connection");
    await writeTo(writer, "b", counted(1), registered("ada", "2@x"));
    await expect.poll(() => state.failed).toBeGreaterThan(1);
    await expect.poll(() => handled).toEqual([1]);
    expect(told.filter(({ kind }) => kind === "paused")).toContainEqual(
      expect.objectContaining({ consumer: "mail", error: expect.objectContaining({ code: "STORAGE_UNAVAILABLE" }) }),
    );
    state.failure = undefined;
    await expect.poll(() => handled).toEqual([1, "2@x"]);
    await writeTo(writer, "a", registered("ada", "3@x"));
    await expect.poll(async () => (await listOf(parked(base, "mail"))).length).toBe(1);

    isBroken = false;
    state.failure = new Error("no connection");
    const { failed } = state;
    await retryParked(base, "mail");
    await expect.poll(() => state.failed).toBeGreaterThan(failed + 1);
    state.failure = undefined;
    await expect.poll(() => handled).toEqual([1, "2@x", "3@x"]);
    await expect.poll(() => listOf(parked(base, "mail"))).toEqual([]);
  });
});

describe.each(STORES)("a watch over %s", (_name, open) => {
  test("ends where a key does not unwrap, and waits for a key service that says it is away", async () => {
    await using base = await open();
    const master = testMasterKey();
    let { unwrap } = master;
    await using keys = await sqliteKeyStore(":memory:", { wrap: master.wrap, unwrap: (wrapped) => unwrap(wrapped) });
    const { writer, reader } = protect(base, keys);
    await writeTo(writer, "a", counted(1), registered("ada", "2@x"));
    await using stream = await reader.openStream("a");
    ({ unwrap } = testMasterKey(Buffer.alloc(32, 8)));
    const ending = new Observation(stream.watch({ after: 0 }));
    await expect.poll(() => ending.errors).toMatchObject([{ code: "STORAGE_UNAVAILABLE" }]);
    expect(marksOf(ending.events)).toEqual([1]);

    unwrap = async () => {
      throw new StorageError("STORAGE_UNAVAILABLE", "The key service is away.");
    };
    const waiting = new Observation(stream.watch({ after: 0 }));
    await expect.poll(() => messages.length).toBeGreaterThan(1);
    ({ unwrap } = master);
    await expect.poll(() => marksOf(waiting.events)).toEqual([1, "2@x"]);
    waiting.unsubscribe();
  });

  test("ends where a key store has no key but something else", async () => {
    await using base = await open();
    const keys = new MemoryKeys();
    const { writer, reader } = protect(base, keys);
    await writeTo(writer, "a", registered("ada", "1@x"));
    keys.keys.set("ada", new Uint8Array(16));
    await using stream = await reader.openStream("a");
    const observation = new Observation(stream.watch({ after: 0 }));
    await expect.poll(() => observation.errors).toMatchObject([{ code: "STORAGE_UNAVAILABLE" }]);
    expect(messages).toEqual([]);
  });
});
