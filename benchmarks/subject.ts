import type { StreamFactory } from "async-streams";
import type { BenchEvent } from "./bench-event.js";

export type Durability = "normal" | "full";
export const DURABILITIES: readonly Durability[] = ["normal", "full"];

/** Something that is measured. */
export interface Subject {
  readonly name: string;
  /** What it stores in a file. Subjects of one format share the files that were filled before a measurement. */
  readonly format: string;
  /** How it is set up for a durability. One that it cannot have is absent, and it is not measured there. */
  readonly settings: Readonly<Partial<Record<Durability, string>>>;
  /** The workloads that it has no call for, and why. */
  readonly without?: Readonly<Record<string, string>>;
  /** The workloads that it is there for, of a subject that shows a limit. Default: all. */
  readonly only?: readonly string[];
  /** Whether it is measured only when it is named. */
  readonly isOnRequest?: boolean;
  /** Whether it is a client of the run's PostgreSQL server: then the path that it opens is a connection string. */
  readonly needsServer?: boolean;
  /** Whether its packages are those of benchmarks/peers. */
  readonly isPeer?: boolean;
  /** Packages whose versions belong beside the figures. */
  readonly packages: readonly string[];
  /** Why it cannot be measured here; null when it can. */
  whyMissing(): Promise<string | null>;
  open(path: string, durability: Durability): Promise<Store>;
  /** Opens a store with one stream that is watched, where it has a way to watch. */
  openWatched?(path: string, durability: Durability, listener: (number: number) => void): Promise<WatchedStream>;
  /** Opens a store whose transactions change a table too, where it has any. */
  openTransacting?(path: string, durability: Durability): Promise<TransactingStore>;
  /** Opens a store with its way to handle commands, where it has one. */
  openCommanding?(path: string, durability: Durability): Promise<CommandingStore>;
  /** Opens a store of events that were written before, with its way to project them, where it has one. */
  openProjecting?(path: string, durability: Durability): Promise<ProjectingStore>;
}

/** A store whose events are projected into a table that counts those of each account, with one upsert for each. */
export interface ProjectingStore {
  /** Projects from the first event on, into a table that has nothing yet. Resolves when so many events are in it. */
  project(work: { readonly events: number; readonly batchSize: number }): Promise<void>;
  /** The same by a loop written by hand over the same file and driver, of the library. */
  projectByHand?(batchSize: number): Promise<void>;
  close(): Promise<void> | void;
}

/** A store whose streams have a state, the number of their events, that commands are decided on. */
export interface CommandingStore {
  /** Loads the state, makes an event of it, and appends that if nothing came in between; otherwise it begins anew. */
  command(account: string, makeEvent: (count: number) => BenchEvent): Promise<void>;
  /** How many events the stream has. */
  count(account: string): Promise<number>;
  close(): Promise<void> | void;
  /** The library's own factory, for what only it can do. */
  readonly factory?: StreamFactory;
}

/** A store beside a table that counts the events of each account. */
export interface TransactingStore {
  /** Reads the last event of an account's stream, appends one, and counts it in the table: all of it or nothing. */
  transact(account: string, event: BenchEvent): Promise<void> | void;
  close(): Promise<void> | void;
}

/** A stream that somebody watches. The listener is told the number of each event. */
export interface WatchedStream {
  append(number: number): Promise<void>;
  close(): Promise<void>;
}

/** An open store of a subject. What a synchronous subject does it returns at once, without a promise. */
export interface Store {
  /** Appends one event to a stream that is at `version`, checked by the subject. */
  append(streamId: string, event: BenchEvent, version: number): Promise<void> | void;
  /** Does outside of the time that counts what can be done about the next batch, for a subject that shows a limit. */
  prepareBatch?(streamId: string, events: readonly BenchEvent[], version: number): void;
  /** Appends all events or none to a stream that is at `version`. */
  appendBatch(streamId: string, events: readonly BenchEvent[], version: number): Promise<void> | void;
  /** Reads the whole stream, each event parsed, and counts. */
  readAll(streamId: string): Promise<number> | number;
  /**
   * Reads the last events, newest first, each parsed, and counts. `version` is the stream's, for subjects that cannot
   * read from the end.
   */
  readLast(streamId: string, count: number, version: number): Promise<number> | number;
  /** Reads the events of one type from the whole store, where it can. */
  readType?(type: string): Promise<number> | number;
  close(): Promise<void> | void;
  /** The library's own factory, for what only it can do. */
  readonly factory?: StreamFactory;
}

/** For what a subject has no call for; its `without` keeps workloads from coming here. */
export function unsupported(subject: string, call: string): never {
  throw new Error(`${subject} has no ${call}`);
}
