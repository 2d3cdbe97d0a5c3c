import { describe, expect, test } from "vitest";
import { applyRetention } from "../../../index.js";
import { documents, readDocument, runProjections } from "../../../src/projections/index.js";
import { listOf, numbered, STORES } from "../consumers/support/stores.js";
import { type Deposited, deposited } from "./support/stores.js";

const totals = documents<number, Deposited>({
  name: "totals",
  types: ["Deposited"],
  key: () => "all",
  evolve: (sum, { data: { amount } }) => {
    if (amount < 0) throw new Error(`negative ${amount}`);
    return (sum ?? 0) + amount;
  },
});

const INLINE = { mode: "inline" } as const;
const NEEDED = { code: "EVENTS_NEEDED", neededBy: ["projection totals@1"] };

const unwanted = (count: number) => Array.from({ length: count }, (_, index) => numbered(index));

describe.each(STORES)("an inline projection over %s", (_, open) => {
  test("holds up no removal of events that it does not want, however soon that comes", async () => {
    await using streams = await open();
    await using _runner = await runProjections(streams, [totals], INLINE);
    const a = await streams.openStream("a");
    for (let round = 1; round <= 5; round += 1) {
      await a.write(unwanted(1_000));
      const before = round * 1_000 - 500;
      expect(await streams.pruneStream("a", { before })).toMatchObject({ firstVersion: before });
    }
    await a.write([deposited(1), ...unwanted(10)]);
    const retained = await listOf(applyRetention(streams, [{ prefix: "a", maxEvents: 1 }]));
    expect(retained).toMatchObject([{ streamId: "a", firstVersion: 5_011 }]);
    await a.write(unwanted(10));
    expect(await streams.deleteStream("a")).toMatchObject({ version: 5_022 });
    await (await streams.openStream("b")).write([...unwanted(10), deposited(2)]);
    expect(await readDocument(streams, "totals", "all")).toBe(3);
  });

  test("holds up the removal of an event that it has yet to take, and of no event before it", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([...unwanted(10), deposited(-1), ...unwanted(10)]);
    await using runner = await runProjections(streams, [totals], INLINE);
    await expect.poll(() => runner.status()[0]?.state, { timeout: 20_000 }).toBe("failed");
    await a.write(unwanted(10));
    await expect(streams.pruneStream("a", { before: 12 })).rejects.toMatchObject(NEEDED);
    await expect(streams.deleteStream("a")).rejects.toMatchObject(NEEDED);
    expect(await streams.pruneStream("a", { before: 11 })).toMatchObject({ firstVersion: 11 });
    expect(await listOf(applyRetention(streams, [{ prefix: "a", maxEvents: 1 }]))).toEqual([]);
  });

  test("that this process does not run has read what its record says", async () => {
    await using streams = await open();
    await (await runProjections(streams, [totals], INLINE))[Symbol.asyncDispose]();
    await (await streams.openStream("a")).write(unwanted(10));
    await expect(streams.pruneStream("a", { before: 5 })).rejects.toMatchObject(NEEDED);
  });
});
