import type { JsonObject, JsonValue } from "async-streams";
import type { BlobStore } from "async-streams/blobs";

/** Where a plan is applied, and where the files of packages come from. */
export interface Target {
  readonly folder: string;
  readonly artifacts: BlobStore;
}

/** Knows one type of resources. Whatever it does may be interrupted at any moment, and is then done again. */
export interface Provider {
  /** What is there, comparable with `expected`; null: nothing. */
  read(target: Target, name: string, state: JsonObject): Promise<JsonValue | null>;
  /** What is there after `apply`. */
  expected(state: JsonObject): JsonValue;
  apply(target: Target, name: string, state: JsonObject): Promise<void>;
  /** @throws Error which says what of a state in a plan file is not what this type takes */
  check(state: JsonObject): void;
  /** Completes the state of a plan file before the run is stored. Default: it is complete. */
  prepare?(target: Target, planFolder: string, name: string, state: JsonObject): Promise<JsonObject>;
}
