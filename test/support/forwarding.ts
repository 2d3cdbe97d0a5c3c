import type { SQLiteConnection } from "../../adapters/sqlite/drivers/driver.js";

/** A connection that hands every call on to another one, but for those that are given. */
export function forwarding(connection: SQLiteConnection, own: Partial<SQLiteConnection> = {}): SQLiteConnection {
  const interrupt = connection.interrupt?.bind(connection);
  return {
    prepare: (sql) => connection.prepare(sql),
    run: (sql, parameters) => connection.run(sql, parameters),
    all: (sql, parameters) => connection.all(sql, parameters),
    runPositional: (sql, values) => connection.runPositional(sql, values),
    allPositional: (sql, values) => connection.allPositional(sql, values),
    exec: (sql) => connection.exec(sql),
    close: () => connection.close(),
    ...(interrupt === undefined ? {} : { interrupt }),
    ...own,
  };
}
