import { describe, expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { ALL_STREAM, type StoredEvent, type StreamFactory } from "../../../index.js";
import { consume } from "../../../src/consumers/index.js";
import { protectPersonalData, protectWithClock } from "../../../src/privacy/protect-personal-data.js";
import { runProjections, whenProcessed } from "../../../src/projections/index.js";
import { Gate } from "../../conformance/support/transactions.js";
import { overriding } from "../../support/overriding.js";
import { STORES } from "../consumers/support/stores.js";
import { counted, customerTypes, dataOf, opened, ordered, readAll, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";
import { testClock } from "./support/test-clock.js";

const NO_CACHE = { keyTtlMs: 0 };
const emailsIn = async (streams: StreamFactory, streamId = "a"): Promise<unknown[]> =>
  dataOf(await readAll(streams, streamId)).map((data) => (data as { email: unknown }).email);

describe.each(STORES)("forgetting over %s", (_name, open) => {
  test("says so once in the audit stream, with a name that does not tell whose it is", async () => {
    await using base = await open();
    const keys = new MemoryKeys();
    const streams = protectPersonalData(base, customerTypes, keys, { ...NO_CACHE, auditStream: "audit" });
    await writeTo(streams, "a", registered("ada", "ada@example.org"));
    const [sealed] = await emailsIn(base);
    const first = await streams.forget("ada");
    const again = await streams.forget("ada");
    expect(again).toEqual(first);
    expect(await streams.forget("ben")).not.toEqual(first);
    const audit = await readAll(base, "audit");
    expect(audit.map(({ type }) => type)).toEqual(["SubjectForgotten", "SubjectForgotten"]);
    expect(audit[0]).toMatchObject({ position: first.position, data: { subject: (sealed as { k: string }).k } });
    expect(JSON.stringify(audit)).not.toMatch(/\bada\b|\bben\b/);
  });

  test("resolves once no process can hold the key any more, and readers have null from then on at the latest", async () => {
    await using base = await open();
    const [keys, clock] = [new MemoryKeys(), testClock()];
    const other = protectWithClock(base, customerTypes, keys, { keyTtlMs: 1_000 }, clock);
    const streams = protectWithClock(base, customerTypes, keys, { keyTtlMs: 1_000 }, clock);
    await writeTo(other, "a", registered("ada", "ada@example.org"));
    const forgotten = vi.fn();
    const forgetting = streams.forget("ada").then(forgotten);
    await vi.waitUntil(() => clock.waiting === 1);
    expect(keys.keys.get("ada")).toBe("forgotten");
    // It had the key in memory, and has not read what the first one wrote.
    expect(await emailsIn(other)).toEqual(["ada@example.org"]);
    expect(await emailsIn(streams)).toEqual([null]);
    clock.pass(999);
    expect(forgotten).not.toHaveBeenCalled();
    clock.pass(1);
    await forgetting;
    expect(await emailsIn(other)).toEqual([null]);
  });

  test("is in time for what other processes have read ahead: reads, watches and consumers", async () => {
    await using base = await open();
    const [keys, clock] = [new MemoryKeys(), testClock()];
    const other = protectWithClock(base, customerTypes, keys, { keyTtlMs: 1_000 }, clock);
    const streams = protectWithClock(base, customerTypes, keys, { keyTtlMs: 1_000 }, clock);
    // Others look at no other person's key meanwhile, and get no event that says who is forgotten.
    await writeTo(other, "a", ...[1, 2, 3].map((number) => registered("ada", `${number}@example.org`)));
    const stream = await other.openStream("a");
    const readers = [stream.read(), stream.watch({ after: 0 })].map((events) => events[Symbol.asyncIterator]());
    const next = async (): Promise<unknown[]> => {
      const results = await Promise.all(readers.map((reader) => reader.next()));
      return results.map(({ value }) => (value.data as { email: unknown }).email);
    };
    const [begun, goOn] = [new Gate(), new Gate()];
    const handled: unknown[] = [];
    const handle = async ({ data }: StoredEvent): Promise<void> => {
      handled.push((data as { email: unknown }).email);
      begun.open();
      await goOn.opened;
    };
    await using consumer = await consume(other, {
      name: "mail",
      types: ["Registered"],
      startFrom: "beginning",
      handle,
    });
    await begun.opened;
    expect(await next()).toEqual(["1@example.org", "1@example.org"]);
    const forgetting = streams.forget("ada");
    await vi.waitUntil(() => clock.waiting === 1);
    clock.pass(100);
    expect(await next()).toEqual(["2@example.org", "2@example.org"]);
    clock.pass(900);
    await forgetting;
    expect(await next()).toEqual([null, null]);
    goOn.open();
    await consumer.whenProcessed(3);
    expect(handled).toEqual(["1@example.org", null, null]);
    for (const reader of readers) await reader.return?.();
  });

  test("resolves after 60 s unless it is told otherwise", async () => {
    await using base = await open();
    const [keys, clock] = [new MemoryKeys(), testClock()];
    const streams = protectWithClock(base, customerTypes, keys, {}, clock);
    await writeTo(streams, "a", registered("ada", "ada@example.org"));
    const forgotten = vi.fn();
    const forgetting = streams.forget("ada").then(forgotten);
    await vi.waitUntil(() => clock.waiting === 1);
    clock.pass(59_999);
    await new Promise((resolve) => setImmediate(resolve));
    expect(forgotten).not.toHaveBeenCalled();
    clock.pass(1);
    await forgetting;
  });

  test("is noticed by others when they read that it happened", async () => {
    await using base = await open();
    const [keys, clock] = [new MemoryKeys(), testClock()];
    const other = protectWithClock(base, customerTypes, keys, { keyTtlMs: 1_000 }, clock);
    await writeTo(other, "a", registered("ada", "ada@example.org"), registered("ben", "ben@example.org"));
    const streams = protectPersonalData(base, customerTypes, keys, NO_CACHE);
    await streams.forget("ada");
    await readAll(other, ALL_STREAM);
    expect(await emailsIn(other)).toEqual([null, "ben@example.org"]);
  });

  test("is noticed by one that has only written for the person, in events with an open and with a sealed id", async () => {
    await using base = await open();
    const [keys, clock] = [new MemoryKeys(), testClock()];
    const other = protectWithClock(base, customerTypes, keys, { keyTtlMs: 1_000 }, clock);
    await writeTo(other, "a", registered("ada", "ada@example.org"), opened("ada"));
    await protectPersonalData(base, customerTypes, keys, NO_CACHE).forget("ada");
    await readAll(other, "personal-data");
    for (const event of [registered("ada", "new@example.org"), opened("ada")]) {
      await expect(writeTo(other, "a", event)).rejects.toMatchObject({ code: "SUBJECT_FORGOTTEN" });
    }
  });

  test("that ended between the key and the event is completed by another call, and no key is made in between", async () => {
    await using base = await open();
    const keys = new MemoryKeys();
    let isBroken = false;
    const breaking = overriding(base, {
      async openStream(...args) {
        const stream = await base.openStream(...args);
        return overriding(stream, {
          write: (...call) => (isBroken ? Promise.reject(new Error("ended")) : stream.write(...call)),
        });
      },
    }) as typeof base;
    const streams = protectPersonalData(breaking, customerTypes, keys, NO_CACHE);
    await writeTo(streams, "a", registered("ada", "ada@example.org"));
    isBroken = true;
    await expect(streams.forget("ada")).rejects.toThrow("ended");
    expect(keys.keys.get("ada")).toBe("forgotten");
    expect(await emailsIn(streams)).toEqual([null]);
    await expect(writeTo(streams, "a", registered("ada", "new@example.org"))).rejects.toMatchObject({
      code: "SUBJECT_FORGOTTEN",
    });
    isBroken = false;
    const { position } = await streams.forget("ada");
    expect((await readAll(base, "personal-data")).map((event) => event.position)).toEqual([position]);
    expect(keys.keys.get("ada")).toBe("forgotten");
  });

  test("is proved by a report, before and after it", async () => {
    await using base = await open();
    const streams = protectPersonalData(base, customerTypes, new MemoryKeys(), NO_CACHE);
    await writeTo(streams, "a", registered("ada", "ada@example.org"), counted(1), ordered("ben", "ada"), opened("ada"));
    const before = { keyDestroyed: false, sealedFields: 4, openable: 4, projectionsBehind: [] };
    expect(await streams.forgetReport("ada")).toEqual(before);
    expect(await streams.forgetReport("nobody")).toEqual({ ...before, sealedFields: 0, openable: 0 });
    await streams.forget("ada");
    expect(await streams.forgetReport("ada")).toEqual({ ...before, keyDestroyed: true, openable: 0 });
    expect(await streams.forgetReport("ben")).toMatchObject({ keyDestroyed: false, sealedFields: 1, openable: 1 });
  });

  test("names the projections that have not read yet that it happened", async () => {
    await using base = await open();
    const streams = protectPersonalData(base, customerTypes, new MemoryKeys(), NO_CACHE);
    const projection = { name: "customers", types: ["Registered"], project: async () => undefined };
    await writeTo(streams, "a", registered("ada", "ada@example.org"));
    {
      await using runner = await runProjections(streams, [projection]);
      await whenProcessed(streams, "customers", 1);
      expect((await streams.forgetReport("ada")).projectionsBehind).toEqual(["customers"]);
      await runner[Symbol.asyncDispose]();
    }
    const { position } = await streams.forget("ada");
    expect((await streams.forgetReport("ada")).projectionsBehind).toEqual(["customers"]);
    await using runner = await runProjections(streams, [projection]);
    await whenProcessed(streams, "customers", position);
    expect((await streams.forgetReport("ada")).projectionsBehind).toEqual([]);
    await runner[Symbol.asyncDispose]();
  });
});

test("forgetting has no place in a transaction, and then leaves the key alone", async () => {
  await using base = memoryStreamFactory({ findMisuse: true });
  const streams = protectPersonalData(base, customerTypes, new MemoryKeys(), NO_CACHE);
  await writeTo(streams, "a", registered("ada", "ada@example.org"));
  await expect(streams.transaction(() => streams.forget("ada"))).rejects.toMatchObject({ code: "TRANSACTION_MISUSE" });
  expect(await emailsIn(streams)).toEqual(["ada@example.org"]);
});

describe.each(STORES)("a key store that is down, over %s", (_name, open) => {
  test("lets what is not personal be read, and is never taken for erased", async () => {
    await using base = await open();
    const keys = new MemoryKeys();
    const streams = protectPersonalData(base, customerTypes, keys, NO_CACHE);
    await writeTo(streams, "a", counted(1), registered("ada", "ada@example.org"), counted(2));
    keys.failure = new Error("no connection");
    const read: unknown[] = [];
    await using stream = await streams.openStream("a");
    const reading = async (options = {}) => {
      read.length = 0;
      for await (const { data } of stream.read(options)) read.push(data);
    };
    await reading({ filter: [{ field: "type", op: "=", value: "Counted" }] });
    expect(read).toEqual([{ number: 1 }, { number: 2 }]);
    await expect(reading()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(read).toEqual([{ number: 1 }]);
    await expect(stream.write(registered("ada", "new@example.org"))).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
    });
    await stream.write(counted(3));
    await expect(streams.forget("ada")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    await expect(streams.forgetReport("ada")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    keys.failure = undefined;
    await reading();
    expect(read[1]).toMatchObject({ email: "ada@example.org" });
  });

  test("at the first write of all, stores nothing, and works again afterwards", async () => {
    await using base = await open();
    const keys = new MemoryKeys();
    const streams = protectPersonalData(base, customerTypes, keys);
    keys.failure = new Error("no connection");
    const write = () => writeTo(streams, "a", registered("ada", "ada@example.org"));
    await expect(write()).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    keys.failure = undefined;
    await write();
    expect(await emailsIn(streams)).toEqual(["ada@example.org"]);
  });
});
