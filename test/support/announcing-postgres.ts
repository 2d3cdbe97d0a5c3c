import { PGClient } from "../../adapters/postgres/client/pg-client.js";

/** Has every PostgreSQL connection of this process say of each statement that it is about to be made. */
export function announcePostgresStatements(onStatement: () => void): void {
  const connect = PGClient.prototype.connect;
  PGClient.prototype.connect = async function (this: PGClient) {
    const connection = await connect.call(this);
    const query = connection.query.bind(connection);
    const script = connection.script.bind(connection);
    const call = connection.call.bind(connection);
    connection.query = (statement) => {
      onStatement();
      return query(statement);
    };
    connection.script = (text) => {
      onStatement();
      return script(text);
    };
    connection.call = (statement) => {
      onStatement();
      return call(statement);
    };
    return connection;
  };
}
