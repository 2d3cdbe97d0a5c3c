import { FlowForgeError } from "../flowforge-error.js";

/** What this adapter uses of `@duckdb/node-api`. The package is optional, so nothing here needs its types. */
export interface DuckDBApi {
  readonly DuckDBInstance: {
    create(path: string, options: Readonly<Record<string, string>>): Promise<DuckDBInstance>;
  };
  blobValue(bytes: Uint8Array): unknown;
  readonly StatementType: Readonly<
    Record<"SELECT" | "TRANSACTION" | "PRAGMA" | "ATTACH" | "DETACH" | "VACUUM", number>
  >;
}

export interface DuckDBInstance {
  connect(): Promise<DuckDBConnection>;
  closeSync(): void;
}

export interface DuckDBConnection {
  run(sql: string): Promise<unknown>;
  runAndReadAll(sql: string, values?: readonly unknown[]): Promise<DuckDBReader>;
  extractStatements(sql: string): Promise<{ readonly count: number; prepare(index: number): Promise<DuckDBStatement> }>;
  interrupt(): void;
  closeSync(): void;
}

export interface DuckDBStatement {
  readonly statementType: number;
  bind(values: readonly unknown[]): void;
  streamAndReadUntil(rows: number): Promise<DuckDBReader>;
  destroySync(): void;
}

export interface DuckDBReader {
  getRowObjectsJS(): Record<string, unknown>[];
}

// Not a literal, so that the application compiles without the package.
const PACKAGE: string = "@duckdb/node-api";

/** @throws FlowForgeError `NOT_INSTALLED` */
export async function loadDuckDB(): Promise<DuckDBApi> {
  try {
    return (await import(/* @vite-ignore */ PACKAGE)) as DuckDBApi;
  } catch (cause) {
    const message = `The backend "duckdb" needs a package that could not be loaded: npm install ${PACKAGE}`;
    throw new FlowForgeError("NOT_INSTALLED", message, { cause });
  }
}
