import type { OpenMode, SQLiteConnection, SQLiteDriver, SQLiteValue } from "../../adapters/sqlite/drivers/driver.js";
import { forwarding } from "./forwarding.js";

/** A call of the port. */
export interface RecordedCall {
  readonly mode: OpenMode;
  readonly sql: string;
  readonly parameters: readonly SQLiteValue[];
}

/** A real driver that notes every call which runs a statement. */
export function recordingDriver(driver: SQLiteDriver): {
  readonly driver: SQLiteDriver;
  readonly calls: RecordedCall[];
} {
  const calls: RecordedCall[] = [];
  return {
    calls,
    driver: {
      ...driver,
      async open(path, mode) {
        const connection = await driver.open(path, mode);
        const note = (sql: string, parameters: readonly SQLiteValue[] = []) => calls.push({ mode, sql, parameters });
        return forwarding(connection, {
          run: (sql, parameters) => {
            note(sql, parameters);
            return connection.run(sql, parameters);
          },
          all: <Row>(sql: string, parameters?: Parameters<SQLiteConnection["all"]>[1]) => {
            note(sql, parameters);
            return connection.all<Row>(sql, parameters);
          },
          runPositional: (sql, values) => {
            note(sql, values);
            return connection.runPositional(sql, values);
          },
          allPositional: <Row>(sql: string, values: readonly SQLiteValue[]) => {
            note(sql, values);
            return connection.allPositional<Row>(sql, values);
          },
          exec: (sql) => {
            note(sql);
            return connection.exec(sql);
          },
        });
      },
    },
  };
}
