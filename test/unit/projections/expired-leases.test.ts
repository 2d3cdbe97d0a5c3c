import { describe, expect, test } from "vitest";
import { sql } from "../../../index.js";
import { PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { type Projection, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { viewOf } from "../../../src/view/store-view.js";
import { Gate } from "../../conformance/support/transactions.js";
import { inRecords, overwrite } from "../consumers/support/lease-records.js";
import { balances, type Deposited, deposited, SQL_STORES } from "./support/stores.js";

describe.each(SQL_STORES)("a lease that a process takes back, over %s", (_, open) => {
  test("lets nothing be stored of the batch that was under way when it expired", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([deposited(1), deposited(2)]);
    const [begun, goOn] = [new Gate(), new Gate()];
    const whole = balances();
    let late: Promise<void> | undefined;
    const held: Projection<Deposited> = {
      ...whole,
      async project(events, context) {
        if (late !== undefined) return whole.project(events, context);
        begun.open();
        late = goOn.opened.then(() => whole.project(events, context));
        await late;
      },
    };
    await using runner = await runProjections(streams, [held], { leaseMs: 300 });
    await begun.opened;
    // Its time is over with the lease, which the same process takes again and projects the batch with.
    await whenProcessed(streams, "balances", 2);
    goOn.open();
    await expect(late).rejects.toMatchObject({ code: "TRANSACTION_MISUSE" });
    expect(await streams.query(sql`SELECT * FROM balances`)).toEqual([{ id: "a", balance: 3 }]);
    expect(runner.status()).toMatchObject([{ state: "live", position: 2 }]);
  });

  test("is fenced off from itself: a batch that was read before is not projected after what it did since then", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    const batches: number[][] = [];
    const noting: Projection<Deposited> = {
      ...balances(),
      async project(events, context) {
        batches.push(events.map(({ data }) => data.amount));
        await balances().project(events, context);
      },
    };
    let afterRead = async (): Promise<void> => undefined;
    const view = viewOf(streams, {
      afterRead: async (events) => {
        if (events.some(({ position }) => position === 2)) await afterRead();
        return { events };
      },
    });
    await using _runner = await runProjections(view, [noting], { leaseMs: 86_400_000 });
    await whenProcessed(streams, "balances", 1);
    afterRead = async () => {
      afterRead = async () => undefined;
      // As its own process does that takes the lease back, and projects the batch.
      const [row] = await inRecords(streams, (records) => records.list(PROJECTIONS_SPACE));
      await streams.transaction((tx) => tx.sql.run(sql`UPDATE balances__1 SET balance = 3`));
      await overwrite(streams, PROJECTIONS_SPACE, row?.key ?? "", { position: 2 });
    };
    await a.write(deposited(2));
    await whenProcessed(streams, "balances", 2);
    const { position } = await a.write(deposited(4));
    await whenProcessed(streams, "balances", position);
    expect(batches).toEqual([[1], [4]]);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 7 }]);
  });
});
