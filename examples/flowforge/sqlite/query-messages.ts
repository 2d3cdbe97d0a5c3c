import type { FlowForgeErrorCode } from "../flowforge-error.js";
import type { QueryArgs, QueryLimits, Row } from "../ports.js";

/** The signal by which the process ends itself when a statement takes too much memory. */
export const OUT_OF_MEMORY_SIGNAL = "SIGINT";

/** What the query process is told when it starts. */
export interface QueryProcessSettings {
  readonly path: string;
  readonly limits: QueryLimits;
  /** It ends itself when it has taken so much more memory than at its start. */
  readonly maxMemoryBytes: number;
}

export type QueryRequest = { readonly id: number } & QueryArgs;

export type QueryAnswer =
  | { readonly ready: true }
  | { readonly id: number; readonly rows: Row[] }
  | { readonly id: number; readonly error: { readonly code: FlowForgeErrorCode; readonly message: string } };
