import type { FlowForgeErrorCode } from "../flowforge-error.js";

/** The calls of a window. */
export type MethodName =
  | "appendEvent"
  | "loadEvents"
  | "latestSnapshot"
  | "saveSnapshot"
  | "queryProjection"
  | "upsertProjection"
  | "nextChange";

/** A call, and its answer under the same id. There is nothing else on the wire. */
export interface Request {
  readonly id: number;
  readonly method: MethodName;
  readonly args: unknown;
}

export type Response =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly code: FlowForgeErrorCode; readonly message: string } };
