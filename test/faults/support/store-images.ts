import { copyFileSync, existsSync } from "node:fs";
import type { SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { faultyDriver } from "../../support/faulty-driver.js";
import { DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";

/** A driver that calls `onStatement` before each statement of a connection that writes. */
export function observedDriver(name: DriverName, onStatement: () => void): SQLiteDriver {
  return faultyDriver(({ mode }) => {
    if (mode !== "readonly") onStatement();
    return undefined;
  }, DRIVERS[name]);
}

/** Copies the files of a store as they are: what a process leaves that is killed is what it has handed to the system. */
export function copyImage(from: string, to: string): void {
  for (const suffix of ["", "-wal"]) if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
}
