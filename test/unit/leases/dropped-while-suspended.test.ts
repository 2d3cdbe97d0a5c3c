import { describe, expect, test } from "vitest";
import { CONSUMER_GROUPS_SPACE, PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { consume, dropConsumer } from "../../../src/consumers/index.js";
import { dropProjection, runProjections } from "../../../src/projections/index.js";
import { collecting } from "../consumers/support/collecting.js";
import { overwrite } from "../consumers/support/lease-records.js";
import { STORES, writeToStreams } from "../consumers/support/stores.js";

// It renews a lease that nobody else sees: for them it is as if it were suspended.
const SHORT = { leaseMs: 300 };

describe.each(STORES)("over %s, a process that was suspended while somebody dropped", (_, open) => {
  test("its consumer ends it at the next renewal", async () => {
    await using streams = await open();
    await using consumer = await consume(streams, collecting([]), { ...SHORT, partitions: 2 });
    await consumer.whenProcessed(await writeToStreams(streams, 3));
    await expect
      .poll(async () => {
        await overwrite(streams, CONSUMER_GROUPS_SPACE, "all", { members: {} });
        return dropConsumer(streams, "all").catch(() => false);
      })
      .toBe(true);
    await expect(consumer.ended).rejects.toThrow("its records were deleted");
    await consumer.stop();
    expect(await dropConsumer(streams, "all")).toBe(false);
  });

  test("its projection stops it at the next renewal, and a rebuild that waits for it fails", async () => {
    await using streams = await open();
    let isOpen = true;
    const project = async (): Promise<void> => {
      if (!isOpen) throw new Error("not yet");
    };
    await using runner = await runProjections(streams, [{ name: "sums", project }], SHORT);
    await writeToStreams(streams, 3);
    await expect.poll(() => runner.status()).toMatchObject([{ state: "live", position: 3 }]);
    isOpen = false;
    const rebuilt = expect(runner.rebuild("sums")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    await expect.poll(() => runner.status()).toMatchObject([{ state: "failed" }]);
    await expect
      .poll(async () => {
        for (const build of ["sums@1", "sums@1.1"]) await overwrite(streams, PROJECTIONS_SPACE, build, { owner: null });
        return dropProjection(streams, "sums").catch(() => false);
      })
      .toBe(true);
    await rebuilt;
    await expect
      .poll(() => runner.status(), { timeout: 5_000 })
      .toMatchObject([{ state: "stopped", error: { message: expect.stringContaining("were deleted") } }]);
    expect(await dropProjection(streams, "sums")).toBe(false);
  });
});
