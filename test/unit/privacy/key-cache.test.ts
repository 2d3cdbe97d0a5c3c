import { describe, expect, test } from "vitest";
import { KeyCache } from "../../../src/privacy/key-cache.js";
import { SealingKey } from "../../../src/privacy/sealing-key.js";
import { hiddenSubject } from "../../../src/privacy/subject-names.js";
import { MemoryKeys } from "./support/memory-keys.js";
import { testClock } from "./support/test-clock.js";

function setUp({ maxCachedKeys = 100, keyTtlMs = 60_000 } = {}) {
  const keys = new MemoryKeys();
  const clock = testClock();
  return { keys, clock, cache: new KeyCache(keys, { maxCachedKeys, keyTtlMs }, clock) };
}

/** A gate that is closed until it is told to open. */
function gate() {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe("the keys in memory", () => {
  test("are asked for once each, however many calls need them at once and afterwards", async () => {
    const { keys, cache } = setUp();
    const calls = Array.from({ length: 100 }, (_, index) =>
      cache.lookUp(`subject-${index % 4}`, `n${index % 4}`, true),
    );
    await Promise.all(calls);
    expect(keys.asked.length).toBe(4);
    expect(cache.peek("subject-0", "n0")).toBeInstanceOf(SealingKey);
    await cache.all(
      new Map([
        ["subject-1", "n1"],
        ["subject-2", "n2"],
      ]),
      false,
    );
    expect(keys.asked.length).toBe(4);
  });

  test("are used for the time that the options give, counted from when they were asked for", async () => {
    const { keys, clock, cache } = setUp({ keyTtlMs: 1_000 });
    const slow = gate();
    keys.gate = slow.passed;
    const lookup = cache.lookUp("ada", "name of ada", true);
    clock.pass(600);
    slow.open();
    await lookup;
    clock.pass(399);
    expect(cache.peek("ada", "n")).toBeInstanceOf(SealingKey);
    clock.pass(1);
    expect(cache.peek("ada", "n")).toBeUndefined();
  });

  test("are not used by a call whose lookup took longer than that", async () => {
    const { keys, clock, cache } = setUp({ keyTtlMs: 1_000 });
    const slow = gate();
    keys.gate = slow.passed;
    const lookups = [cache.lookUp("ada", "name of ada", true), cache.lookUp("nobody", "name of nobody", false)];
    clock.pass(1_000);
    await keys.destroy("ada");
    slow.open();
    await expect(lookups[0]).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      message: expect.stringContaining("keyTtlMs"),
    });
    expect(await lookups[1]).toBeNull();
    expect(await cache.lookUp("ada", "name of ada", true)).toBe("forgotten");
  });

  test("are looked up again if they became too old while others were waited for", async () => {
    const { keys, clock, cache } = setUp({ keyTtlMs: 1_000 });
    await cache.lookUp("ada", "name of ada", true);
    clock.pass(600);
    const slow = gate();
    keys.gate = slow.passed;
    const all = cache.all(
      new Map([
        ["ada", "name of ada"],
        ["ben", "name of ben"],
      ]),
      true,
    );
    clock.pass(600);
    await keys.destroy("ada");
    slow.open();
    expect(Object.fromEntries(await all)).toEqual({ ada: "forgotten", ben: expect.any(SealingKey) });
    expect([keys.count("ada"), keys.count("ben")]).toEqual([2, 1]);
  });

  test("are an error if each becomes too old while another is waited for, however often", async () => {
    const { keys, clock, cache } = setUp({ keyTtlMs: 1_000 });
    const subjects = ["ada", "ben"];
    await cache.lookUp("ada", "name of ada", true);
    // Each answer comes in time, and makes the other key too old.
    keys.get = async (subject) => {
      keys.asked.push(subject);
      clock.pass(600);
      return Buffer.alloc(32, 1);
    };
    clock.pass(600);
    const all = cache.all(new Map(subjects.map((subject) => [subject, `name of ${subject}`])), true);
    await expect(all).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    expect(keys.asked.length).toBeLessThan(10);
  });

  test("are none with a time of 0: every call asks, also while another one is waiting", async () => {
    const { keys, cache } = setUp({ keyTtlMs: 0 });
    await Promise.all([cache.lookUp("ada", "name of ada", true), cache.lookUp("ada", "name of ada", true)]);
    expect(keys.asked.length).toBe(2);
    expect(cache.peek("ada", "n")).toBeUndefined();
  });

  test("are as many as the options say, without those that were not used for longest", async () => {
    const { cache } = setUp({ maxCachedKeys: 2 });
    await cache.lookUp("a", "name of a", true);
    await cache.lookUp("b", "name of b", true);
    expect(cache.peek("a", "na")).toBeInstanceOf(SealingKey);
    await cache.lookUp("c", "name of c", true);
    expect(["a", "b", "c"].filter((subject) => cache.peek(subject, subject) !== undefined)).toEqual(["a", "c"]);
  });

  test("are made by a write that joins a reader who found none", async () => {
    const { keys, cache } = setUp();
    const reader = cache.lookUp("ada", "name of ada", false);
    const writer = cache.lookUp("ada", "name of ada", true);
    expect(await reader).toBeNull();
    expect(await writer).toBeInstanceOf(SealingKey);
    expect(keys.asked.length).toBe(2);
  });

  test("that are missing are asked for again", async () => {
    const { keys, cache } = setUp();
    expect(await cache.lookUp("ada", "name of ada", false)).toBeNull();
    await keys.get("ada", true);
    expect(await cache.lookUp("ada", "name of ada", false)).toBeInstanceOf(SealingKey);
  });

  test("are gone when somebody says that their person is forgotten", async () => {
    const { keys, cache } = setUp();
    await cache.lookUp("ada", "name of ada", true);
    await cache.lookUp("ben", "name of ben", true);
    cache.peek("ada", "name of ada");
    cache.peek("ben", "name of ben");
    await keys.destroy("ada");
    cache.drop("name of ada");
    cache.drop("name of nobody");
    expect(cache.peek("ada", "name of ada")).toBeUndefined();
    expect(cache.peek("ben", "name of ben")).toBeInstanceOf(SealingKey);
    expect(await cache.lookUp("ada", "name of ada", true)).toBe("forgotten");
  });

  test("are gone under both names of a person whose id is sealed in some events, and of nobody else", async () => {
    const { cache } = setUp();
    const persons = ["ada", "ben"].flatMap((id): [string, string][] => [
      [id, `name of ${id}`],
      [hiddenSubject(`name of ${id}`), `name of ${id}`],
    ]);
    await cache.all(new Map(persons), true);
    for (const [subject, name] of persons) expect(cache.peek(subject, name)).toBeInstanceOf(SealingKey);
    cache.drop("name of ada");
    const [ada, hiddenAda, ben, hiddenBen] = persons.map(([subject, name]) => cache.peek(subject, name));
    expect([ada, hiddenAda]).toEqual([undefined, undefined]);
    expect(ben).toBeInstanceOf(SealingKey);
    expect(hiddenBen).toBeInstanceOf(SealingKey);
  });

  test("are not kept from a lookup that began before somebody was forgotten elsewhere", async () => {
    const { keys, cache } = setUp();
    const slow = gate();
    keys.gate = slow.passed;
    const lookup = cache.lookUp("ada", "name of ada", true);
    cache.drop("name of ada");
    slow.open();
    await lookup;
    expect(cache.peek("ada", "name of ada")).toBeUndefined();
  });

  test.each([0, 60_000])(
    "of a person who is forgotten here are given to no lookup under way, with %s ms",
    async (keyTtlMs) => {
      const { keys, cache } = setUp({ keyTtlMs });
      const slow = gate();
      keys.gate = slow.passed;
      const lookups = [cache.lookUp("ada", "name of ada", true), cache.lookUp("ada", "name of ada", false)];
      cache.forget("ada");
      slow.open();
      expect(await Promise.all(lookups)).toEqual(["forgotten", "forgotten"]);
    },
  );

  test("are not known while the key store fails, and are asked for again afterwards", async () => {
    const { keys, cache } = setUp();
    keys.failure = new Error("no connection");
    for (let call = 0; call < 2; call += 1) {
      await expect(cache.lookUp("ada", "name of ada", true)).rejects.toMatchObject({
        code: "STORAGE_UNAVAILABLE",
        message: expect.stringContaining("no connection"),
      });
    }
    keys.failure = "not even an error";
    await expect(cache.lookUp("ada", "name of ada", true)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
    keys.failure = undefined;
    expect(await cache.lookUp("ada", "name of ada", true)).toBeInstanceOf(SealingKey);
  });

  test("are refused where a key store gives something else", async () => {
    const { keys, cache } = setUp();
    keys.keys.set("ada", new Uint8Array(16));
    await expect(cache.lookUp("ada", "name of ada", false)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  });
});
