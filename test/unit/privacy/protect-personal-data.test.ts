import { describe, expect, test } from "vitest";
import { ALL_STREAM, type EventShape, type JsonValue, type StoredEvent } from "../../../index.js";
import { consume } from "../../../src/consumers/index.js";
import { typed } from "../../../src/events/index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { documents, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { listOf, STORES } from "../consumers/support/stores.js";
import {
  ADDRESS,
  counted,
  customerTypes,
  dataOf,
  eventsOf,
  firstVersion,
  opened,
  ordered,
  readAll,
  registered,
  writeTo,
} from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

const ada = { customerId: "ada", email: "ada@example.org", address: ADDRESS, plan: "free" };
const erased = { ...ada, email: null, address: null };
const sealedForm = { "@sealed": 1, k: expect.stringMatching(/^[\w-]{22}$/), c: expect.any(String) };

describe.each(STORES)("personal data over %s", (_name, open) => {
  async function setUp(options = {}) {
    const base = await open();
    const keys = new MemoryKeys();
    const streams = protectPersonalData(base, customerTypes, keys, { keyTtlMs: 0, ...options });
    return { base, keys, streams, [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() };
  }

  test("is sealed in the store, and open to readers", async () => {
    await using store = await setUp();
    await writeTo(store.streams, "a", registered("ada", "ada@example.org"), counted(1));
    expect(dataOf(await readAll(store.streams, "a"))).toEqual([ada, { number: 1 }]);
    expect(dataOf(await readAll(store.base, "a"))).toEqual([
      { customerId: "ada", email: sealedForm, address: sealedForm, plan: "free" },
      { number: 1 },
    ]);
  });

  test("reads as null once its person is forgotten, by every reader", async () => {
    await using store = await setUp();
    const { streams } = store;
    await writeTo(streams, "a", registered("ada", "ada@example.org"), registered("ben", "ben@example.org"));
    const { position } = await streams.forget("ada");
    const ben = { ...ada, customerId: "ben", email: "ben@example.org" };
    expect(dataOf(await readAll(streams, "a"))).toEqual([erased, ben]);
    await using all = await streams.openStream(ALL_STREAM);
    const read = await eventsOf(all);
    expect(dataOf(read).slice(0, 2)).toEqual([erased, ben]);
    expect(read.at(-1)).toMatchObject({ type: "SubjectForgotten", streamId: "personal-data", position });
    const replayed: StoredEvent[] = [];
    for await (const event of all.watch({ after: 0 })) {
      replayed.push(event);
      if (replayed.length === 2) break;
    }
    expect(dataOf(replayed)).toEqual([erased, ben]);
    await streams.transaction(async (tx) => {
      expect(dataOf(await listOf(tx.read("a")))).toEqual([erased, ben]);
    });
  });

  test("is open to a live watch, a consumer, a projection and a transaction", async () => {
    await using store = await setUp();
    const { streams } = store;
    await using stream = await streams.openStream("a");
    const watched = stream.watch()[Symbol.asyncIterator]();
    const next = watched.next();
    const consumed: unknown[] = [];
    await using consumer = await consume(streams, {
      name: "mail",
      startFrom: "beginning",
      async handle({ data }) {
        consumed.push(data);
      },
    });
    await using runner = await runProjections(streams, [
      documents<JsonValue, EventShape>({
        name: "customers",
        key: ({ streamId }) => streamId,
        evolve: (_, { data }) => data as never,
      }),
    ]);
    const { position } = await stream.write(registered("ada", "ada@example.org"));
    expect((await next).value.data).toEqual(ada);
    await watched.return?.();
    await whenProcessed(streams, "customers", position);
    await consumer.whenProcessed(position);
    expect(consumed).toEqual([ada]);
    await streams.transaction(async (tx) => {
      await tx.write("b", registered("ben", "ben@example.org"));
      expect(dataOf(await listOf(tx.read("b")))).toEqual([{ ...ada, customerId: "ben", email: "ben@example.org" }]);
    });
    expect(dataOf(await readAll(store.base, "b"))).toMatchObject([{ email: sealedForm }]);
    await runner[Symbol.asyncDispose]();
  });

  test("is sealed in writes to several streams", async () => {
    await using store = await setUp();
    await store.streams.writeAll([
      { streamId: "a", events: registered("ada", "ada@example.org") },
      { streamId: "b", events: [counted(1), ordered("ada", "ben")] },
    ]);
    expect(dataOf(await readAll(store.base, "a"))).toMatchObject([{ email: sealedForm }]);
    expect(dataOf(await readAll(store.streams, "b"))).toEqual([{ number: 1 }, ordered("ada", "ben").data]);
  });

  test("of two persons in one event is erased apart", async () => {
    await using store = await setUp();
    await writeTo(store.streams, "a", ordered("ada", "ben"));
    await store.streams.forget("ada");
    expect(dataOf(await readAll(store.streams, "a"))).toEqual([
      { buyer: "ada", buyerName: null, recipient: "ben", recipientName: "Name of ben" },
    ]);
  });

  test("may be the id of the person itself", async () => {
    await using store = await setUp();
    await writeTo(store.streams, "a", opened("ada"), opened("ben"));
    expect(dataOf(await readAll(store.streams, "a"))).toEqual([
      { owner: "ada", currency: "EUR" },
      { owner: "ben", currency: "EUR" },
    ]);
    await store.streams.forget("ada");
    expect(dataOf(await readAll(store.streams, "a"))).toEqual([
      { owner: null, currency: "EUR" },
      { owner: "ben", currency: "EUR" },
    ]);
    expect(await store.streams.forgetReport("ada")).toEqual({
      keyDestroyed: true,
      sealedFields: 1,
      openable: 0,
      projectionsBehind: [],
    });
  });

  test("is written once by a retry, and not at all for somebody who is forgotten", async () => {
    await using store = await setUp();
    await using stream = await store.streams.openStream("a");
    const write = () => stream.write(registered("ada", "ada@example.org", "registration-1"));
    expect(await write()).toMatchObject({ written: 1 });
    expect(await write()).toMatchObject({ written: 0 });
    await expect(stream.write(registered("ada", "other@example.org", "registration-1"))).rejects.toMatchObject({
      code: "IDEMPOTENCY_CONFLICT",
    });
    await store.streams.forget("ada");
    for (const call of [
      write,
      () => stream.write(registered("ada", "new@example.org")),
      () => store.streams.writeAll([{ streamId: "b", events: registered("ada", "new@example.org") }]),
      () => store.streams.transaction((tx) => tx.write("b", registered("ada", "new@example.org"))),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "SUBJECT_FORGOTTEN", name: "SubjectForgottenError" });
    }
    expect((await readAll(store.base, ALL_STREAM)).length).toBe(2);
  });

  test("keeps the order of a handle's writes while a key is on its way, and the content as it was at the call", async () => {
    await using store = await setUp();
    let openGate: () => void = () => undefined;
    store.keys.gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    await using stream = await store.streams.openStream("a");
    const data = { customerId: "ada", email: "first@example.org", address: null, plan: "free" };
    const writes = [stream.write({ type: "Registered", data }), stream.write(counted(1)), stream.write(counted(2))];
    data.email = "changed@example.org";
    await using other = await store.streams.openStream("a");
    await other.write(counted(0));
    openGate();
    await Promise.all(writes);
    expect(dataOf(await readAll(store.streams, "a"))).toEqual([
      { number: 0 },
      { ...data, email: "first@example.org" },
      { number: 1 },
      { number: 2 },
    ]);
  });

  test("costs one look-up of a key a person, however many events are read or written", async () => {
    await using store = await setUp({ keyTtlMs: 60_000 });
    const persons = Array.from({ length: 60 }, (_, index) => `person-${index % 3}`);
    await writeTo(store.streams, "a", ...persons.map((person) => registered(person, `${person}@example.org`)));
    const counts = () => ["person-0", "person-1", "person-2"].map((person) => store.keys.count(person));
    expect(counts()).toEqual([1, 1, 1]);
    // Another process, which has no key in memory yet.
    const cold = protectPersonalData(store.base, customerTypes, store.keys);
    expect((await readAll(cold, "a")).length).toBe(60);
    expect((await readAll(cold, "a")).length).toBe(60);
    expect(counts()).toEqual([2, 2, 2]);
  });

  test("a transaction waits for a key no longer than it may take", async () => {
    await using store = await setUp();
    let openGate: () => void = () => undefined;
    store.keys.gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    const failed = store.streams.transaction((tx) => tx.write("a", registered("ada", "ada@example.org")), {
      timeoutMs: 20,
    });
    await expect(failed).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
    openGate();
    expect(await readAll(store.base, "a")).toEqual([]);
  });

  test("stays open in copies that were read with the older version of its type, under the paths of that version", async () => {
    await using store = await setUp();
    const version1 = { Registered: firstVersion() };
    const version2 = {
      Registered: firstVersion()
        .next(({ id, mail }) => ({ customerId: id, email: mail }))
        .personal("data.customerId", ["email"]),
    };
    const older = typed(protectPersonalData(store.base, version1, store.keys, { keyTtlMs: 0 }), version1);
    const newer = typed(protectPersonalData(store.base, version2, store.keys, { keyTtlMs: 0 }), version2);
    await writeTo(older, "a", { type: "Registered", data: { id: "ada", mail: "ada@example.org" } });
    await writeTo(newer, "a", { type: "Registered", data: { customerId: "ben", email: "ben@example.org" } });
    expect(dataOf(await readAll(newer, "a"))).toEqual([
      { customerId: "ada", email: "ada@example.org" },
      { customerId: "ben", email: "ben@example.org" },
    ]);
    await newer.forget("ada");
    await newer.forget("ben");
    expect(dataOf(await readAll(newer, "a"))).toEqual([
      { customerId: "ada", email: null },
      { customerId: "ben", email: null },
    ]);
  });
});
