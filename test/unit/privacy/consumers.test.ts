import { describe, expect, test } from "vitest";
import { consume } from "../../../src/consumers/index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { Gate } from "../../conformance/support/transactions.js";
import { STORES } from "../consumers/support/stores.js";
import { customerTypes, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

describe.each(STORES)("a consumer of personal data over %s", (_, open) => {
  test("gets null for a person who is forgotten, also where it has read the event before", async () => {
    await using base = await open();
    const streams = protectPersonalData(base, customerTypes, new MemoryKeys(), { keyTtlMs: 0 });
    await writeTo(streams, "a", registered("ada", "ada@example.org"), registered("ben", "ben@example.org"));
    await writeTo(streams, "b", registered("ada", "ada@example.com"));
    const [begun, goOn] = [new Gate(), new Gate()];
    const emails: unknown[] = [];
    await using consumer = await consume(
      streams,
      {
        name: "mail",
        types: ["Registered"],
        startFrom: "beginning",
        handle: async ({ data }) => {
          emails.push((data as { email: unknown }).email);
          if (emails.length > 1) return;
          begun.open();
          await goOn.opened;
          throw new Error("no mail server");
        },
      },
      { retry: { minDelayMs: 0 } },
    );
    await begun.opened;
    await streams.forget("ada");
    goOn.open();
    await consumer.whenProcessed(3);
    expect(emails).toEqual(["ada@example.org", null, "ben@example.org", null]);
  });
});
