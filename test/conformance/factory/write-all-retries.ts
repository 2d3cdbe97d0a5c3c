import type { StreamFactory, StreamWrite } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { ATOMIC_WRITES } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { counted, keyed } from "../support/sample-events.js";
import { allEventsOf } from "../support/transactions.js";

const CONDITIONS = { failIfEventsMatch: [{ field: "type", op: "=", value: "Keyed" }] } as const;

export function describeWriteAllRetries({ describe, testWith, expect }: Suite<StreamFactory>): void {
  describe("a write to several streams that is sent again", () => {
    const unit: readonly StreamWrite[] = [
      { streamId: "a", events: keyed("1"), expectedVersion: 0 },
      { streamId: "b", events: [keyed("2"), keyed("3")], expectedVersion: 0 },
    ];

    testWith(ATOMIC_WRITES, "succeeds, whatever its versions and conditions say", async (streams) => {
      const first = await streams.writeAll(unit, { conditions: CONDITIONS });
      await (await streams.openStream("a")).write(counted(1));
      const again = await streams.writeAll(unit, { conditions: CONDITIONS });

      expect(again).toEqual(first.map((result) => ({ ...result, written: 0 })));
      expect((await allEventsOf(streams)).length).toBe(4);
    });

    testWith(ATOMIC_WRITES, "succeeds also beside a check that does not hold any more", async (streams) => {
      const checked = [...unit, { streamId: "c", expectedVersion: 0 }];
      await streams.writeAll(checked);
      await (await streams.openStream("c")).write(counted(1));

      const written = (await streams.writeAll(checked)).map((result) => result.written);
      expect(written).toEqual([0, 0, 0]);
    });

    testWith(ATOMIC_WRITES, "is a conflict where a part of it is stored and a version is expected", async (streams) => {
      await (await streams.openStream("a")).write(keyed("1"));

      expect(await failureOf(streams.writeAll(unit))).toMatchObject({
        code: "CONCURRENCY_CONFLICT",
        streamId: "a",
        expectedVersion: 0,
        actualVersion: 1,
      });
      expect((await allEventsOf(streams)).length).toBe(1);
    });

    testWith(ATOMIC_WRITES, "stores the rest where no version is expected", async (streams) => {
      await (await streams.openStream("a")).write(keyed("1"));
      const writes = unit.map(({ streamId, events }) => ({ streamId, events }));

      const written = (await streams.writeAll(writes)).map((result) => result.written);
      expect(written).toEqual([0, 2]);
      expect((await allEventsOf(streams)).map(({ id }) => id)).toEqual(["1", "2", "3"]);
    });

    testWith(ATOMIC_WRITES, "is refused with another event under a key, and stores nothing", async (streams) => {
      await (await streams.openStream("b")).write(keyed("3", "other"));

      expect(await failureOf(streams.writeAll(unit))).toMatchObject({
        name: "IdempotencyConflictError",
        code: "IDEMPOTENCY_CONFLICT",
        streamId: "b",
        idempotencyKey: "3",
        eventIndex: 1,
      });
      expect((await allEventsOf(streams)).length).toBe(1);
    });
  });
}
