import { describe, expect, test } from "vitest";
import {
  CONSUMER_GROUPS_SPACE,
  CONSUMERS_SPACE,
  PROJECTIONS_SPACE,
} from "../../../src/administration/reserved-spaces.js";
import { consume, dropConsumer } from "../../../src/consumers/index.js";
import { dropProjection, runProjections } from "../../../src/projections/index.js";
import { overwrite, recordOf } from "../consumers/support/lease-records.js";
import { STORES, type Store } from "../consumers/support/stores.js";

const A_DAY_MS = 86_400_000;

const WRONG_CLOCKS: [string, number][] = [
  ["a day ahead", A_DAY_MS],
  ["a day behind", -A_DAY_MS],
];

/** Something that leases are held of. */
interface Leased {
  /** Makes its records, as a process that was stopped leaves them. */
  make(streams: Store): Promise<void>;
  drop(streams: Store): Promise<boolean>;
  /** Has another process hold a lease that ends at a time. */
  hold(streams: Store, untilMs: number, leaseMs: number): Promise<void>;
  isThere(streams: Store): Promise<boolean>;
}

const LEASED: [string, Leased][] = [
  [
    "a consumer",
    {
      async make(streams) {
        await (await consume(streams, { name: "c", startFrom: "beginning", handle: async () => undefined })).stop();
      },
      drop: (streams) => dropConsumer(streams, "c"),
      async hold(streams, untilMs, leaseMs) {
        await overwrite(streams, CONSUMER_GROUPS_SPACE, "c", { members: { other: { untilMs, leaseMs } } });
      },
      isThere: async (streams) => (await recordOf(streams, CONSUMERS_SPACE, "c/0")) !== undefined,
    },
  ],
  [
    "a projection",
    {
      async make(streams) {
        await using _ = await runProjections(streams, [{ name: "p", project: async () => undefined }]);
      },
      drop: (streams) => dropProjection(streams, "p"),
      async hold(streams, untilMs, leaseMs) {
        await overwrite(streams, PROJECTIONS_SPACE, "p@1", { owner: "other", untilMs, leaseMs });
      },
      isThere: async (streams) => (await recordOf(streams, PROJECTIONS_SPACE, "p@1")) !== undefined,
    },
  ],
];

describe.each(STORES)("over %s", (_store, open) => {
  describe.each(LEASED)("the drop of %s", (_kind, { make, drop, hold, isThere }) => {
    test("is refused at once while a process runs it, as far as the clocks agree", async () => {
      await using streams = await open();
      await make(streams);
      await hold(streams, Date.now() + A_DAY_MS, A_DAY_MS);
      await expect(drop(streams)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        message: expect.stringMatching(
          /^Cannot drop a \w+ in \S+: a process runs "\w", or was killed.* its lease .*\. (Stop|Dispose of) .*wait.*, and try again\.$/,
        ),
      });
      expect(await isThere(streams)).toBe(true);
    });

    test.each(WRONG_CLOCKS)("succeeds when its process is gone, although its clock was %s", async (_, aheadMs) => {
      await using streams = await open();
      await make(streams);
      await hold(streams, Date.now() + aheadMs, 100);
      expect(await drop(streams)).toBe(true);
      expect(await isThere(streams)).toBe(false);
    });

    test.each(WRONG_CLOCKS)("is refused while a process runs it whose clock is %s", async (_, aheadMs) => {
      await using streams = await open();
      await make(streams);
      await hold(streams, Date.now() + aheadMs, 300);
      let isSettled = false;
      const dropping = drop(streams).finally(() => {
        isSettled = true;
      });
      const refused = expect(dropping).rejects.toThrow("a process runs");
      while (!isSettled) {
        await hold(streams, Date.now() + aheadMs, 300);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await refused;
      expect(await isThere(streams)).toBe(true);
    });
  });
});
