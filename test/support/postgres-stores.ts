import { afterAll } from "vitest";
import { PostgresServer, type ServerSettings } from "./postgres-server.js";

/** A server for all tests of a file, started by the first that needs it and stopped after the last. */
export function sharedServer(settings?: ServerSettings): () => Promise<PostgresServer> {
  let starting: Promise<PostgresServer> | undefined;
  afterAll(async () => {
    await (await starting)?.[Symbol.asyncDispose]();
  });
  return () => {
    starting ??= PostgresServer.start(settings);
    return starting;
  };
}

let stores = 0;

/** Two schemas that no other store of this process has. */
export function ownSchemas(): { readonly schema: string; readonly applicationSchema: string } {
  stores += 1;
  return { schema: `store_${stores}`, applicationSchema: `application_${stores}` };
}
