import { describe, expect, test } from "vitest";
import type { ReadOptions, StoredEvent } from "../../../index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { STORES } from "../consumers/support/stores.js";
import { customerTypes, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

const emailOf = (event: StoredEvent) => (event.data as { readonly email: unknown }).email;

/** More than two pages. */
const COUNT = 300;

describe.each(STORES)("a read of personal data over %s", (_, open) => {
  test.each<[string, ReadOptions, number]>([
    ["", {}, COUNT],
    ["backward", { direction: "backward" }, COUNT],
    ["with a limit", { limit: 100 }, 100],
  ])("%s gets null for a person who is forgotten, also of what it has read ahead", async (_, options, count) => {
    await using base = await open();
    const streams = protectPersonalData(base, customerTypes, new MemoryKeys(), { keyTtlMs: 0 });
    const persons = Array.from({ length: COUNT }, (_, index) => (index % 3 === 1 ? "ben" : "ada"));
    await writeTo(streams, "a", ...persons.map((person, index) => registered(person, `${index + 1}@example.org`)));
    const read: StoredEvent[] = [];
    for await (const event of (await streams.openStream("a")).read(options)) {
      read.push(event);
      // In the second half of a page the next one is under way.
      if (read.length === 80) await streams.forget("ada");
    }
    expect(read.map(({ version }) => version)).toEqual(
      options.direction === "backward"
        ? Array.from({ length: count }, (_, index) => count - index)
        : Array.from({ length: count }, (_, index) => index + 1),
    );
    const expected = read.map(({ version }, index) =>
      index >= 80 && persons[version - 1] === "ada" ? null : `${version}@example.org`,
    );
    expect(read.map(emailOf)).toEqual(expected);
  });
});
