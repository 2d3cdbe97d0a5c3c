import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { objectOf, withCheckedPorts } from "./checked-ports.js";
import { createDuckDBContext } from "./duckdb/duckdb-context.js";
import { invalidArgument } from "./flowforge-error.js";
import { type DbContext, DEFAULT_QUERY_LIMITS, type QueryLimits } from "./ports.js";
import { createSQLiteContext, type SQLiteContext } from "./sqlite/sqlite-context.js";

export type Backend = "sqlite" | "duckdb";

export interface DbContextOptions<B extends Backend = Backend> {
  /** A file, whose folder is made, or `":memory:"`. */
  readonly path: string;
  /** Default `"sqlite"`. */
  readonly backend?: B | undefined;
  /** What a window's query may take. */
  readonly windowQueryLimits?: Partial<QueryLimits> | undefined;
}

/** Opens the database, and makes its tables. The ports are the same over both backends. */
export async function createDbContext(options: DbContextOptions<"sqlite">): Promise<SQLiteContext>;
export async function createDbContext(options: DbContextOptions): Promise<DbContext>;
export async function createDbContext(options: DbContextOptions): Promise<DbContext> {
  const { path, backend = "sqlite", windowQueryLimits } = objectOf("options", options);
  if (typeof path !== "string" || path === "") throw invalidArgument("path must be the path of a file.");
  const limits = { ...DEFAULT_QUERY_LIMITS, ...windowQueryLimits };
  const location = path === ":memory:" ? path : resolve(path);
  if (location !== ":memory:") await mkdir(dirname(location), { recursive: true });
  if (backend === "sqlite") return withCheckedPorts(await createSQLiteContext(location, limits));
  if (backend === "duckdb") return withCheckedPorts(await createDuckDBContext(location, limits));
  throw invalidArgument(`backend must be "sqlite" or "duckdb", not ${JSON.stringify(backend)}.`);
}
