import type { BackupOptions, StoreMaintenance, VerifyOptions } from "../../protocols/index.js";
import type { StreamContext } from "./stream-impl.js";

/** The calls of a factory that check and copy the store. */
export function maintenanceCalls(
  maintenance: StoreMaintenance,
  { lifetime, calls }: Pick<StreamContext, "lifetime" | "calls">,
): StoreMaintenance {
  return {
    async verify(options?: VerifyOptions) {
      lifetime.assertOpen("verify the store");
      calls.assertOutside("verify");
      return calls.note(() => maintenance.verify(options), "verify");
    },

    async backup(path: string | URL, options?: BackupOptions) {
      lifetime.assertOpen("back the store up");
      calls.assertOutside("backup");
      return calls.note(() => maintenance.backup(path, options), "backup");
    },
  };
}
