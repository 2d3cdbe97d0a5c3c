import type { WorkloadContext } from "../workload.js";

type DatabaseContext = Pick<WorkloadContext, "serverUrl" | "uniqueName">;

/** The connection string of the measurement's database, for its helpers. */
export function databaseUrl({ serverUrl, uniqueName }: DatabaseContext): string {
  return Object.assign(new URL(serverUrl()), { pathname: `/${uniqueName}` }).href;
}

/** Creates an empty database for a measurement, and drops it afterwards, with all that the server would write of it. */
export async function withDatabase<T>(context: DatabaseContext, work: (url: string) => Promise<T>): Promise<T> {
  await run(context, `CREATE DATABASE "${context.uniqueName}"`);
  try {
    const result = await work(databaseUrl(context));
    // By force it would end connections that are closing just now, and a client that is told so ends the process.
    await run(context, `DROP DATABASE "${context.uniqueName}"`);
    return result;
  } catch (error) {
    await run(context, `DROP DATABASE IF EXISTS "${context.uniqueName}" WITH (FORCE)`);
    throw error;
  }
}

async function run({ serverUrl }: DatabaseContext, statement: string): Promise<void> {
  // Loaded here, so that the processes of other workloads are without it.
  const { default: pg } = await import("pg");
  const client = new pg.Client(serverUrl());
  await client.connect();
  await client.query(statement);
  await client.end();
}
