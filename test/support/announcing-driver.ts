import type { SQLiteConnection, SQLiteDriver } from "../../adapters/sqlite/drivers/driver.js";
import { forwarding } from "./forwarding.js";

/** A real driver, which says of each call of a connection that writes that it is about to be made. */
export function announcingDriver(driver: SQLiteDriver, onCall: (sql: string) => void): SQLiteDriver {
  return {
    libraryPath: (path) => driver.libraryPath(path),
    async open(path, mode) {
      const connection = await driver.open(path, mode);
      if (mode === "readonly") return connection;
      return forwarding(connection, {
        run: (sql, parameters) => {
          onCall(sql);
          return connection.run(sql, parameters);
        },
        all: <Row>(sql: string, parameters?: Parameters<SQLiteConnection["all"]>[1]) => {
          onCall(sql);
          return connection.all<Row>(sql, parameters);
        },
        exec: (sql) => {
          onCall(sql);
          return connection.exec(sql);
        },
      });
    },
  };
}
