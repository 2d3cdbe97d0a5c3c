import { join } from "node:path";
import { describe } from "vitest";
import { createDbContext } from "../../../../examples/flowforge/index.js";
import type { DbContext } from "../../../../examples/flowforge/ports.js";
import { createTempDir } from "../../../support/temp-dir.js";

/** The backends that this machine has. DuckDB is an optional package. */
const BACKENDS = ["sqlite", "duckdb"] as const;

export type BackendName = (typeof BACKENDS)[number];

/** Runs a suite over each backend. */
export function describeBackends(what: string, suite: (backend: BackendName) => void): void {
  describe.each(BACKENDS)(`${what}, over %s`, suite);
}

/** A database in a folder of its own. */
export async function withDb(backend: BackendName, use: (db: DbContext, path: string) => Promise<void>): Promise<void> {
  await using folder = await createTempDir();
  const path = join(folder.path, `flowforge.${backend}`);
  const db = await createDbContext({ path, backend });
  try {
    await use(db, path);
  } finally {
    await db.close();
  }
}
