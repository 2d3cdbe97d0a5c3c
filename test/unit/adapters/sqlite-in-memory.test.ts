import { describeSQLiteInMemory } from "../../support/describe-sqlite.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";

// Each driver passes the suite over a file. In memory one of them is enough: better-sqlite3 here, and the others in the
// runs on versions of Node for which it is not built (scripts/other-nodes.mjs).
const drivers = DRIVER_NAMES.includes("better-sqlite3") ? (["better-sqlite3"] as const) : DRIVER_NAMES;
for (const driver of drivers) describeSQLiteInMemory(driver);
