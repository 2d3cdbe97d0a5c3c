import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { expectEqualValue, isBytes } from "../support/bytes.js";
import { eachCase } from "../support/each-case.js";
import { failureOf } from "../support/failure-of.js";
import { CYCLE, REFUSED_VALUES } from "../support/refused-values.js";
import { ROUND_TRIP_VALUES } from "../support/round-trip-values.js";
import { countedUpTo, wholeNumbers } from "../support/sample-events.js";
import { SNAPSHOT_BYTES } from "../support/snapshot-bytes.js";

export function describeSnapshotStates({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("the state of a snapshot", () => {
    test("comes back as it was where it is bytes", async (streams) => {
      await eachCase(SNAPSHOT_BYTES, async ([, state], index) => {
        const stream = await streams.openStream(`case-${index}`);
        await stream.snapshot(state);

        const snapshot = await stream.loadSnapshot();
        expect(isBytes(snapshot?.state, state)).toBe(true);
      });
    });

    for (const [kind, states] of ROUND_TRIP_VALUES) {
      test(`comes back equal: ${kind}`, async (streams) => {
        await eachCase(states, async ([, state], index) => {
          const stream = await streams.openStream(`case-${index}`);
          await stream.snapshot(state);

          expectEqualValue(expect, (await stream.loadSnapshot())?.state, state);
        });
      });
    }

    test("may be large", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(2));
      const state = {
        accounts: wholeNumbers(1, 20_000).map((id) => ({ id, owner: `owner ${id}`, balance: id * 1.5 })),
      };
      await stream.snapshot(state);

      expect(JSON.stringify((await stream.loadSnapshot())?.state)).toBe(JSON.stringify(state));
    });

    test("is taken as it is at the call", async (streams) => {
      const stream = await streams.openStream("a");
      const state = { list: [1], text: "x".repeat(5_000) };
      const bytes = new Uint8Array(5_000).fill(1);
      const saved = [stream.snapshot(state), stream.snapshot(bytes, { projection: "bytes" })];
      state.list.push(2);
      bytes.fill(2);
      await Promise.all(saved);

      expect((await stream.loadSnapshot<typeof state>())?.state.list).toEqual([1]);
      expect(isBytes((await stream.loadSnapshot({ projection: "bytes" }))?.state, new Uint8Array(5_000).fill(1))).toBe(
        true,
      );
    });

    test("is a copy of its own for everyone who loads it", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.snapshot({ list: [1] });
      await stream.snapshot(new Uint8Array([1, 2]), { projection: "bytes" });
      (await stream.loadSnapshot<{ list: number[] }>())?.state.list.push(2);
      (await stream.loadSnapshot<Uint8Array>({ projection: "bytes" }))?.state.fill(0);

      expect((await stream.loadSnapshot())?.state).toEqual({ list: [1] });
      expect(isBytes((await stream.loadSnapshot({ projection: "bytes" }))?.state, new Uint8Array([1, 2]))).toBe(true);
    });

    test("is refused when it is or contains what JSON cannot carry", async (streams) => {
      const stream = await streams.openStream("a");
      await eachCase([...REFUSED_VALUES, ["a value that contains itself", CYCLE] as const], async ([, value]) => {
        for (const state of [value, { list: [value] }]) {
          expect(await failureOf(stream.snapshot(state))).toMatchObject({
            name: "InvalidArgumentError",
            code: "INVALID_ARGUMENT",
            argument: "state",
          });
        }
        expect(await stream.loadSnapshot()).toBe(null);
      });
    });
  });
}
