import { expect } from "vitest";
import { consume, parked, retryParked, TerminalError } from "../../../src/consumers/index.js";
import { listOf } from "../../unit/consumers/support/stores.js";
import type { AcknowledgingWriterConfig } from "../fixtures/acknowledging-writer.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { openStoreAt } from "../support/store-address.js";

const BACKENDS = backendsHere();

const EVENTS_BESIDE = 400;
/** So many are stored before the consumer begins. */
const EVENTS_BEFORE = 50;
const PATIENCE = { timeout: 40_000, interval: 20 };

for (const backend of BACKENDS) {
  faultTest(
    `R53 a consumer over ${backend.name} that begins at the end misses no event, while another process appends in a loop`,
    { quick: 1, soak: 35 },
    async ({ rounds, integer, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using created = await backend.createAddress();
        const { address } = created;
        await using streams = await openStoreAt(address);
        const config: AcknowledgingWriterConfig = { address };
        await using writer = startFixture("acknowledging-writer.ts", { args: [JSON.stringify(config)] });
        await writer.ready();
        writer.say(String(EVENTS_BESIDE));
        const begun = integer(1, EVENTS_BEFORE);
        await writer.waitFor(() => writer.lines.length > begun);

        const all = await streams.openStream("@all");
        const before = all.version;
        const seen: number[] = [];
        await using _ = await consume(streams, {
          name: "late",
          startFrom: "end",
          handle: async ({ position }) => void seen.push(position),
        });
        const after = (await streams.openStream("@all")).version;
        await writer.waitFor(() => writer.lines.includes("done"));
        const last = (await streams.openStream("@all")).version;
        await expect.poll(() => seen.at(-1) ?? last, PATIENCE).toBe(last);
        const first = seen[0] ?? last + 1;
        expect(first).toBeGreaterThan(before);
        expect(first).toBeLessThanOrEqual(after + 1);
        expect(seen).toEqual(Array.from({ length: last - first + 1 }, (_event, index) => first + index));
        count("events handled", seen.length);
        count("events passed over", first - 1);
      }
    },
  );
}

const PARKED = 20;

for (const backend of BACKENDS) {
  faultTest(
    `R53 what two stores release at the same time over ${backend.name} is handled by one at a time, and in order`,
    { quick: 2, soak: 60 },
    async ({ rounds, count }) => {
      for (let round = 0; round < rounds; round += 1) {
        await using created = await backend.createAddress();
        await using one = await openStoreAt(created.address);
        await using other = await openStoreAt(created.address);
        const events = Array.from({ length: PARKED }, (_, index) => ({ type: "Numbered", data: index }));
        const { position } = await (await one.openStream("a")).write(events);
        let isBroken = true;
        const underWay = new Set<number>();
        const handled: number[] = [];
        const definition = {
          name: "shared",
          startFrom: "beginning",
          handle: async ({ version }: { version: number }) => {
            if (isBroken) throw new TerminalError("broken");
            expect(underWay.has(version)).toBe(false);
            underWay.add(version);
            await new Promise((resolve) => setImmediate(resolve));
            underWay.delete(version);
            handled.push(version);
          },
        } as const;
        await using first = await consume(one, definition, { partitions: 2, leaseMs: 1_000 });
        await using _second = await consume(other, definition, { partitions: 2, leaseMs: 1_000 });
        await first.whenProcessed(position, { timeoutMs: 40_000 });
        expect(await listOf(parked(one, "shared"))).toHaveLength(PARKED);

        isBroken = false;
        const released = await Promise.all([retryParked(one, "shared"), retryParked(other, "shared")]);
        await expect.poll(async () => (await listOf(parked(one, "shared"))).length, PATIENCE).toBe(0);
        expect(Math.max(...released)).toBe(PARKED);
        expect(handled).toEqual(events.map((_, index) => index + 1));
        count("events released", PARKED);
      }
    },
  );
}
