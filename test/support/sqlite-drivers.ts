import { betterSqlite3Driver } from "../../adapters/sqlite/drivers/better-sqlite3-driver.js";
import { DRIVERS, type DriverName } from "../../adapters/sqlite/drivers/choose-driver.js";
import { nodeSqliteProblem } from "../../adapters/sqlite/drivers/node-sqlite-driver.js";

export { DRIVERS, type DriverName };

/** Whether this Node's own SQLite can be used. */
export const HAS_NODE_SQLITE = nodeSqliteProblem() === null;

/** The native part of better-sqlite3 is built for one version of Node, which the tests need not run in. */
async function isBuiltForAnotherNode(): Promise<boolean> {
  try {
    await (await betterSqlite3Driver.open(":memory:", "create")).close();
    return false;
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    return cause?.code === "ERR_DLOPEN_FAILED";
  }
}

/** The drivers that this Node can load. */
const LOADABLE: readonly DriverName[] = [
  "sqlite3",
  ...((await isBuiltForAnotherNode()) ? [] : (["better-sqlite3"] as const)),
  ...(HAS_NODE_SQLITE ? (["node:sqlite"] as const) : []),
];

/** The drivers to test, for `describe.each`: all that can be loaded, or the one that `npm run test:quick` names. */
export const DRIVER_NAMES: readonly DriverName[] = LOADABLE.filter(
  (name) => name === (process.env.SQLITE_DRIVER ?? name),
);
