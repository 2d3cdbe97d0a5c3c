import type { MessagePort } from "node:worker_threads";
import type { Totals } from "./activity.js";

/** What the worker gets when it starts. */
export interface ProjectorData {
  /** To the store of the main thread. */
  readonly port: MessagePort;
  /** The file of the read models. */
  readonly path: string;
}

export type ToProjector =
  /** The last `changed` has been taken: there may be another one. */
  | { readonly kind: "taken" }
  /** Asks for `processed` once everything up to a position is projected. */
  | { readonly kind: "process"; readonly position: number }
  | { readonly kind: "close" };

export type FromProjector =
  | { readonly kind: "changed"; readonly totals: Totals }
  | { readonly kind: "processed"; readonly position: number };
