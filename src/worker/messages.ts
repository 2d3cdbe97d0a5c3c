import type { SQL, StorageLimits } from "../../protocols/index.js";
import type { EncodedError } from "./error-codec.js";

/** What the exposing thread says about its store. */
export interface StoreDescription {
  readonly location: string | undefined;
  readonly limits: StorageLimits | undefined;
  readonly findMisuse: boolean | undefined;
  readonly canWriteAll: boolean;
  readonly canTransact: boolean;
  readonly canListRecords: boolean;
  readonly canQuery: boolean;
  readonly canAdminister: boolean;
  readonly canMaintain: boolean;
}

/** What the exposing thread says about a session that has begun. */
export interface SessionDescription {
  readonly head: number;
  /** Undefined: the store has no SQL. */
  readonly dialect: SQL["dialect"] | undefined;
  readonly runsScripts: boolean;
}

/** The path of a backup, or the text of a URL: no message can have the URL itself. */
export type PathMessage = { readonly path: unknown } | { readonly url: string };

/** How a call ended. An aborted one ends with the reason of the signal, which the calling thread has. */
export type Outcome = { readonly value: unknown } | { readonly error: EncodedError } | { readonly isAborted: true };

/** From the thread that uses the store. Calls and subscriptions have numbers that never come again in that thread. */
export type ClientMessage =
  | { readonly kind: "hello" }
  | { readonly kind: "call"; readonly call: number; readonly method: string; readonly args: readonly unknown[] }
  | { readonly kind: "abort"; readonly call: number }
  /** A call of the session that belongs to a call. */
  | {
      readonly kind: "request";
      readonly call: number;
      readonly request: number;
      readonly method: string;
      readonly args: readonly unknown[];
    }
  /** The work of a session is done, or has failed. */
  | { readonly kind: "settle"; readonly call: number; readonly isDone: boolean }
  | { readonly kind: "subscribe"; readonly subscription: number; readonly streamId: string }
  /** The news were passed on: there may be more of them. */
  | { readonly kind: "heard"; readonly subscription: number }
  | { readonly kind: "unsubscribe"; readonly subscription: number }
  | { readonly kind: "bye" };

/** From the thread that has the store. */
export type StoreMessage =
  /** The store can be reached from now on: what was said before may be lost. */
  | { readonly kind: "ready" }
  | { readonly kind: "welcome"; readonly store: StoreDescription }
  | { readonly kind: "answer"; readonly call: number; readonly outcome: Outcome }
  /** The session of a call has begun. */
  | { readonly kind: "begun"; readonly call: number; readonly session: SessionDescription }
  | { readonly kind: "reply"; readonly call: number; readonly request: number; readonly outcome: Outcome }
  | { readonly kind: "progress"; readonly call: number; readonly progress: unknown }
  /** There may be new events. The next such message waits until this one is acknowledged. */
  | { readonly kind: "news"; readonly subscription: number }
  | { readonly kind: "bye" };
