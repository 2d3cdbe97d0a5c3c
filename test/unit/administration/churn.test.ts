import { describe, expect, test } from "vitest";
import { applyRetention } from "../../../index.js";
import { SHARED_STORES } from "./support/stores.js";

const KEPT = 1_000;
const ROUNDS = 8;
/** After so many rounds a store has the room that it goes on with. */
const FIRST_ROUNDS = 4;
const ROUND_BATCHES = 5;

const batch = Array.from({ length: KEPT / ROUND_BATCHES }, () => ({ type: "Passed", data: { text: "x".repeat(300) } }));

describe.each(SHARED_STORES)("events that pass through a store of which few are kept, over %s", (_, makeStore) => {
  test("take no more room however many they are, and others go on to write", async () => {
    await using store = await makeStore();
    await using streams = await store.open();
    await using others = await store.open();
    const [passing, beside] = [await streams.openStream("passing"), await others.openStream("beside")];
    const sizes: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      for (let count = 0; count < ROUND_BATCHES; count += 1) await passing.write(batch);
      const removing = (async () => {
        for await (const _report of applyRetention(streams, [{ prefix: "passing", maxEvents: KEPT }]));
        await streams.reclaim();
      })();
      for (let count = 0; count < 10; count += 1) await beside.write({ type: "Written", data: round });
      await removing;
      sizes.push(await store.usedBytes());
    }

    expect(await streams.describeStream("passing")).toMatchObject({ version: ROUNDS * KEPT, eventCount: KEPT });
    expect(await streams.describeStream("beside")).toMatchObject({ eventCount: ROUNDS * 10 });
    const settled = Math.max(...sizes.slice(0, FIRST_ROUNDS));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(settled * 1.2);
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });
});
