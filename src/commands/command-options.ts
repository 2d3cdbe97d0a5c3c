import { DEFAULT_ATTEMPTS, MAX_ATTEMPTS, MAX_COMMAND_ID_LENGTH } from "../limits.js";
import {
  checkBetween,
  checkName,
  checkOptions,
  checkSignal,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { describeValue, isPlainObject } from "../validate/json-text.js";
import type { StateCache } from "./state-cache.js";

/** Metadata that every event of a command gets. */
export interface CommandMetadata {
  /** What belongs to the same request. */
  readonly correlationId?: string | undefined;
  /** The id of the event or command that this one comes from. */
  readonly causationId?: string | undefined;
  readonly [key: string]: string | undefined;
}

/** The options of `handle`. */
export interface HandleOptions {
  /**
   * How often it is tried, each time on the newest state. After a conflict it waits for up to 0, 5, 10 and then 20 ms. From 1
   * to `MAX_ATTEMPTS`. Default 5.
   */
  readonly attempts?: number | undefined;
  /**
   * Names the command, so that it may be sent again when its answer was lost: its events get the idempotency keys
   * `<commandId>/0`, `<commandId>/1` and so on. A command that was stored before is not decided again: the answer are its
   * stored events, with `written: 0`. One without events leaves no trace, and is decided again. So is one whose first
   * event was pruned: of it only the keys are left, so that nothing is stored twice, but nobody knows what it was. What `decide`
   * throws is thrown then, and a decision is answered with `written: 0`, no `events` and the newest state. At most
   * `MAX_COMMAND_ID_LENGTH` UTF-16 units.
   */
  readonly commandId?: string | undefined;
  /** Metadata for every event. What an event has itself goes before it. */
  readonly metadata?: CommandMetadata | undefined;
  /** Keeps the state for the next command. */
  readonly cache?: StateCache | undefined;
  /** Ends it before the write begins: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of `handleQuery`: see {@link HandleOptions}. */
export type HandleQueryOptions = Omit<HandleOptions, "cache">;

/** The options of a command, checked and complete. */
export interface CommandPlan {
  readonly attempts: number;
  readonly commandId: string | undefined;
  readonly metadata: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal | undefined;
}

const QUERY_OPTIONS: OptionNames<HandleQueryOptions> = {
  attempts: true,
  commandId: true,
  metadata: true,
  signal: true,
};
const OPTIONS: OptionNames<HandleOptions> = { ...QUERY_OPTIONS, cache: true };

/** @throws InvalidArgumentError */
export function parseHandleOptions(options: HandleOptions): CommandPlan {
  checkOptions(options, OPTIONS);
  return planOf(options);
}

/** @throws InvalidArgumentError */
export function parseHandleQueryOptions(options: HandleQueryOptions): CommandPlan {
  checkOptions(options, QUERY_OPTIONS);
  return planOf(options);
}

function planOf({ attempts = DEFAULT_ATTEMPTS, commandId, metadata, signal }: HandleQueryOptions): CommandPlan {
  checkBetween("attempts", attempts, 1, MAX_ATTEMPTS);
  if (commandId !== undefined) checkCommandId(commandId);
  checkSignal(signal);
  return { attempts, commandId, metadata: metadata === undefined ? undefined : metadataOf(metadata), signal };
}

function checkCommandId(commandId: unknown): void {
  checkName("commandId", commandId);
  if (commandId.length > MAX_COMMAND_ID_LENGTH) {
    throw invalidArgument("commandId", `${commandId.length} characters are more than ${MAX_COMMAND_ID_LENGTH}`);
  }
}

function metadataOf(metadata: CommandMetadata): Readonly<Record<string, string>> {
  if (typeof metadata !== "object" || metadata === null || !isPlainObject(metadata)) {
    throw invalidArgument("metadata", `expected an object of strings, got ${describeValue(metadata)}`);
  }
  const given = Object.entries(metadata).filter(([, value]) => value !== undefined);
  for (const [key, value] of given) {
    if (typeof value !== "string") {
      throw invalidArgument(`metadata.${key}`, `expected a string, got ${describeValue(value)}`);
    }
  }
  return Object.fromEntries(given) as Record<string, string>;
}
