import { describeSQLiteInMemory } from "../../support/describe-sqlite.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";

for (const driver of DRIVER_NAMES) describeSQLiteInMemory(driver);
