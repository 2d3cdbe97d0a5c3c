import type { StorageHandle } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { LISTED_RECORDS } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { Gate } from "../support/transactions.js";

export function describeListRecords({ describe, testWith, expect }: Suite<StorageHandle>): void {
  describe("records outside a transaction, where the storage lists them", () => {
    testWith(LISTED_RECORDS, "are listed as a transaction lists them", async (storage) => {
      const options = { after: "k/1", prefix: "k/", limit: 2 };
      const inside = await storage.transact(async ({ records }) => {
        for (const key of ["k/4", "k/2", "k", "k/1", "k/3", "l"]) await records.put("s", key, { key });
        await records.put("t", "k/2", {});
        return records.list("s", options);
      }, {});

      expect(inside.map(({ key }) => key)).toEqual(["k/2", "k/3"]);
      expect(await storage.listRecords?.("s", options)).toEqual(inside);
      expect((await storage.listRecords?.("s", {}))?.length).toBe(6);
    });

    testWith(LISTED_RECORDS, "are those that were committed last, while a transaction goes on", async (storage) => {
      const [begun, end] = [new Gate(), new Gate()];
      await storage.transact(({ records }) => records.put("s", "k", { was: "before" }), {});
      const undone = storage.transact(async ({ records }) => {
        await records.put("s", "k", { was: "after" });
        begun.open();
        await end.opened;
        throw new Error("undone");
      }, {});
      const failure = failureOf(undone);
      await begun.opened;

      // A store that has one connection only lists them once the transaction has ended.
      const listing = storage.listRecords?.("s", {});
      end.open();
      expect(await failure).toMatchObject({ message: "undone" });
      expect(await listing).toMatchObject([{ value: { was: "before" } }]);
    });
  });
}
