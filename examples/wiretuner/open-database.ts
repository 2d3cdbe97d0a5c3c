import { sqliteStreamFactory } from "async-streams";
import { runProjections } from "async-streams/projections";
import type { Database } from "./database.js";
import { metadata } from "./metadata.js";
import { MigrationRunner } from "./migration-runner.js";

/** Opens a file, applies pending migrations, and has the metadata table follow every write. */
export async function openDatabase(path: string): Promise<Database> {
  const db = await sqliteStreamFactory(path);
  try {
    await new MigrationRunner().run(db);
    // It ends with the store.
    await runProjections(db, [metadata], { mode: "inline" });
    return db;
  } catch (error) {
    await db[Symbol.asyncDispose]();
    throw error;
  }
}
