import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { STORES } from "../consumers/support/stores.js";
import { customerTypes, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

const emailOf = (event: StoredEvent) => (event.data as { readonly email: unknown }).email;

describe.each(STORES)("a watch of personal data over %s", (_, open) => {
  test("gets null for a person who is forgotten, also where it has read the event before", async () => {
    await using base = await open();
    const streams = protectPersonalData(base, customerTypes, new MemoryKeys(), { keyTtlMs: 0 });
    const persons = ["ada", "ben", "ada", "ben"];
    await writeTo(streams, "a", ...persons.map((person, number) => registered(person, `${number}@example.org`)));
    const emails: unknown[] = [];
    for await (const event of (await streams.openStream("a")).watch({ after: 0 })) {
      emails.push(emailOf(event));
      if (emails.length === 1) await streams.forget("ada");
      if (emails.length === persons.length) break;
    }
    expect(emails).toEqual(["0@example.org", "1@example.org", null, "3@example.org"]);
  });
});
