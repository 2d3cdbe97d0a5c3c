import { Client } from "pg";
import { PostgresServer, type ServerSettings } from "./postgres-server.js";

const servers = new Map<string, Promise<PostgresServer>>();

/**
 * A server for all tests of this process that want these settings. The first that needs it starts it, and it ends with the
 * process: starting one takes longer than the tests of most files.
 */
export function sharedServer(settings: ServerSettings = {}): () => Promise<PostgresServer> {
  const key = JSON.stringify(settings);
  return () => {
    const started = servers.get(key) ?? PostgresServer.start(settings);
    servers.set(key, started);
    return started;
  };
}

/** The schemas of one store. */
export interface StoreSchemas {
  readonly schema: string;
  readonly applicationSchema: string;
}

let stores = 0;

/** Two schemas that no other store of this process has. */
export function ownSchemas(): StoreSchemas {
  stores += 1;
  return { schema: `store_${stores}`, applicationSchema: `application_${stores}` };
}

/**
 * Schemas that a store leaves behind empty for the next one. Creating the tables of a store takes the server longer than
 * most tests take.
 */
export class ReusedSchemas {
  readonly #server: () => Promise<PostgresServer>;
  readonly #free: StoreSchemas[] = [];
  #connecting: Promise<Client> | undefined;

  constructor(server: () => Promise<PostgresServer>) {
    this.#server = server;
  }

  /** Schemas for one store, and what empties them once that store is disposed of. */
  take(): { readonly schemas: StoreSchemas; readonly giveBack: AsyncDisposable } {
    const schemas = this.#free.pop() ?? ownSchemas();
    let emptying: Promise<void> | undefined;
    const giveBack = async () => {
      emptying ??= this.#empty(schemas);
      await emptying;
    };
    return { schemas, giveBack: { [Symbol.asyncDispose]: giveBack } };
  }

  async #empty(schemas: StoreSchemas): Promise<void> {
    this.#connecting ??= this.#connect();
    const client = await this.#connecting;
    await client.query(emptyingScript(schemas));
    this.#free.push(schemas);
  }

  async #connect(): Promise<Client> {
    const client = new Client((await this.#server()).url());
    await client.connect();
    // Triggers would refuse that events are deleted.
    await client.query("SET session_replication_role TO replica");
    return client;
  }
}

/** TRUNCATE makes new files, which takes longer than deleting few rows. Many deleted rows slow the next store's reads down. */
const MAX_DELETED_BYTES = 16_384;

/** What is as a new store has it: no rows but those of es_store and es_counters, no indexes of fields, no tables of tests. */
function emptyingScript({ schema, applicationSchema }: StoreSchemas): string {
  return `
    DO $do$
    DECLARE
      v_name text;
      v_size bigint;
    BEGIN
      FOR v_name, v_size IN SELECT relname, pg_relation_size(oid) FROM pg_class
        WHERE relnamespace = to_regnamespace('${schema}') AND relkind = 'r' AND relname NOT IN ('es_store', 'es_counters')
      LOOP
        IF v_size > ${MAX_DELETED_BYTES} THEN EXECUTE 'TRUNCATE ${schema}.' || v_name;
        ELSIF v_size > 0 THEN EXECUTE 'DELETE FROM ${schema}.' || v_name; END IF;
      END LOOP;
      UPDATE ${schema}.es_counters SET value = 0 WHERE value <> 0;
      FOR v_name IN SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('${schema}')
        AND relkind = 'i' AND relname LIKE 'es_index_%'
      LOOP EXECUTE 'DROP INDEX ${schema}.' || v_name; END LOOP;
      IF EXISTS (SELECT FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass
        AND refobjid = to_regnamespace('${applicationSchema}')) THEN
        DROP SCHEMA ${applicationSchema} CASCADE;
        CREATE SCHEMA ${applicationSchema};
      END IF;
    END $do$`;
}
