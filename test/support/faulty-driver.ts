import type { OpenMode, SQLiteConnection, SQLiteDriver } from "../../adapters/sqlite/drivers/driver.js";
import { sqlite3Driver } from "../../adapters/sqlite/drivers/sqlite3-driver.js";
import { forwarding } from "./forwarding.js";

/** Decides whether a call fails, and with which of SQLite's codes. */
export type Fault = (call: { readonly sql: string; readonly mode: OpenMode }) => string | undefined;

/** A real driver, whose calls fail where the fault says so, before they reach the database. */
export function faultyDriver(fault: Fault, driver: SQLiteDriver = sqlite3Driver): SQLiteDriver {
  return {
    libraryPath: (path) => driver.libraryPath(path),
    async open(path, mode) {
      const connection = await driver.open(path, mode);
      const check = (sql: string): void => {
        const code = fault({ sql, mode });
        if (code !== undefined) throw Object.assign(new Error(`${code}: on purpose`), { code });
      };
      return forwarding(connection, {
        run: async (sql, parameters) => {
          check(sql);
          return connection.run(sql, parameters);
        },
        all: async <Row>(sql: string, parameters?: Parameters<SQLiteConnection["all"]>[1]) => {
          check(sql);
          return connection.all<Row>(sql, parameters);
        },
        runPositional: async (sql, values) => {
          check(sql);
          return connection.runPositional(sql, values);
        },
        allPositional: async <Row>(sql: string, values: Parameters<SQLiteConnection["allPositional"]>[1]) => {
          check(sql);
          return connection.allPositional<Row>(sql, values);
        },
        exec: async (sql) => {
          check(sql);
          await connection.exec(sql);
        },
      });
    },
  };
}
