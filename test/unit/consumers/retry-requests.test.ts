import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { consume, dropParked, parked, retryParked } from "../../../src/consumers/index.js";
import { Gate } from "../../conformance/support/transactions.js";
import { listOf, numbered, STORES } from "./support/stores.js";

const ONCE = { retry: { attempts: 1 } };
const ROUNDS = 20;

describe.each(STORES)("what is asked of a consumer's parked events over %s", (_, open) => {
  test.each(["handle", "transact"])("is not lost while events of their stream arrive, for %s", async (kind) => {
    await using streams = await open();
    const a = await streams.openStream("a");
    let isBroken = true;
    const handled: unknown[] = [];
    const handle = async ({ data }: StoredEvent): Promise<void> => {
      if (isBroken) throw new Error("broken");
      handled.push(data);
    };
    await using consumer = await consume(
      streams,
      { name: "all", startFrom: "beginning", ...(kind === "handle" ? { handle } : { transact: handle }) },
      ONCE,
    );
    const numbers = [1, 2, 3, 4, 5, 6, 7, 8];
    for (let round = 0; round < ROUNDS; round += 1) {
      isBroken = true;
      await consumer.whenProcessed((await a.write(numbered(0))).position);
      isBroken = false;
      const writing = a.write(numbers.map(numbered));
      // Each round asks a little later.
      for (let turn = 0; turn < round % 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      await retryParked(streams, "all");
      await consumer.whenProcessed((await writing).position);
      await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
      expect(handled.splice(0)).toEqual([0, ...numbers]);
    }
  });

  test("holds while an earlier one of the stream is tried again: what was given up is not handled", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([1, 2, 3].map(numbered));
    let isBroken = true;
    const begun: unknown[] = [];
    const held = new Gate();
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async ({ data }: StoredEvent) => {
          if (isBroken) throw new Error("broken");
          begun.push(data);
          await held.opened;
        },
      },
      ONCE,
    );
    await consumer.whenProcessed(3);
    isBroken = false;
    await retryParked(streams, "all");
    await expect.poll(() => begun).toEqual([1]);
    expect(await dropParked(streams, "all", { position: 2 })).toBe(true);
    // Its look at the records, which the call has asked for, is over by the second answer.
    for (let answers = 0; answers < 2; answers += 1) await consumer.lag();
    held.open();
    await expect.poll(() => listOf(parked(streams, "all"))).toEqual([]);
    expect(begun).toEqual([1, 3]);
  });
});
