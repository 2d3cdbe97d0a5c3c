import { describe, expect, test, vi } from "vitest";
import type { MaintainableStreamFactory } from "../../../index.js";
import { consume, parked, retryParked } from "../../../src/consumers/index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { listOf, STORES, type Store } from "../consumers/support/stores.js";
import { customerTypes, opened, ordered, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

describe.each(STORES)("parked events over %s", (_name, open) => {
  test("have nothing personal stored, and are tried again open, or with null once their person is forgotten", async () => {
    const base = await open();
    await using streams = protectPersonalData(base, customerTypes, new MemoryKeys(), { keyTtlMs: 0 });
    let isDown = true;
    const handled: unknown[] = [];
    await using consumer = await consume(
      streams,
      {
        name: "mail",
        startFrom: "beginning",
        types: ["Registered"],
        async handle({ data }) {
          const { customerId, email } = data as { customerId: string; email: string | null };
          if (isDown) throw new Error("the mail server is down");
          handled.push([customerId, email]);
        },
      },
      { retry: { attempts: 1 } },
    );
    for (const person of ["ada", "ben"]) await writeTo(streams, person, registered(person, `${person}@example.org`));
    await vi.waitUntil(async () => (await listOf(parked(streams, "mail"))).length === 2);
    expect(JSON.stringify(await listOf(parked(base, "mail")))).not.toContain("@example.org");
    await streams.forget("ben");
    isDown = false;

    expect(await retryParked(streams, "mail")).toBe(2);
    await vi.waitUntil(() => handled.length === 2);
    expect(new Map(handled as [string, string | null][])).toEqual(
      new Map([
        ["ada", "ada@example.org"],
        ["ben", null],
      ]),
    );
    expect(await listOf(parked(streams, "mail"))).toEqual([]);
    await consumer.stop();
  });
});

describe.each(
  STORES.filter(([name]) => name !== "memory") as [string, () => Promise<Store & MaintainableStreamFactory>][],
)("a store with sealed events and snapshots: %s", (_name, open) => {
  test("is whole, before and after a person is forgotten, also to those who have no key", async () => {
    const base = await open();
    const options = { keyTtlMs: 0, snapshotSubject: () => "ada" };
    await using streams = protectPersonalData(base, customerTypes, new MemoryKeys(), options);
    await writeTo(streams, "a", registered("ada", "ada@example.org"));
    await writeTo(streams, "b", ordered("ada", "ben"), opened("ben"));
    await using stream = await streams.openStream("a");
    await stream.snapshot({ email: "ada@example.org" });
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 3, problems: [] });

    await streams.forget("ada");
    for (const store of [streams, base]) {
      expect(await store.verify()).toMatchObject({ ok: true, checkedEvents: 4, problems: [] });
    }
  });
});
