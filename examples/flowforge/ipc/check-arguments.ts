import { FlowForgeError, invalidArgument } from "../flowforge-error.js";
import type { LoadArgs, NewEvent, QueryArgs, Row, Snapshot, UpsertArgs } from "../ports.js";
import { WINDOW_TABLES } from "../schema/migrations.js";
import { isName } from "../table-name.js";
import { checkJson, isPlainObject } from "./check-json.js";

const MAX_ID_LENGTH = 512;
const MAX_PARAMS = 100;
const MAX_ROWS = 1_000;
const MAX_COLUMNS = 64;

type Args = Readonly<Record<string, unknown>>;

/** What the window gave, without anything that no call has. @throws FlowForgeError `INVALID_ARGUMENT` */
export function argumentsOf(value: unknown, allowed: readonly string[]): Args {
  if (!isPlainObject(value)) throw invalidArgument("The arguments must be an object.");
  const unknown = Object.keys(value).find((key) => !allowed.includes(key));
  if (unknown !== undefined) throw invalidArgument(`Unknown argument ${JSON.stringify(unknown.slice(0, 64))}.`);
  return value;
}

export function newEventOf(value: unknown): NewEvent {
  const args = argumentsOf(value, ["aggregateId", "eventType", "payload", "metadata"]);
  const payload = objectOf(args, "payload");
  const aggregateId = idOf(args, "aggregateId");
  const eventType = idOf(args, "eventType");
  const metadata = args.metadata === undefined || args.metadata === null ? undefined : objectOf(args, "metadata");
  return { aggregateId, eventType, payload, ...(metadata !== undefined && { metadata }) };
}

export function loadArgsOf(value: unknown): LoadArgs {
  const args = argumentsOf(value, ["aggregateId", "afterSeq"]);
  return {
    aggregateId: idOf(args, "aggregateId"),
    afterSeq: args.afterSeq === undefined ? 0 : seqOf(args, "afterSeq"),
  };
}

/** The number of the published value that the window has. */
export function publishedNumberOf(value: unknown): number {
  return seqOf(argumentsOf(value, ["after"]), "after");
}

export function aggregateOf(value: unknown): { aggregateId: string } {
  return { aggregateId: idOf(argumentsOf(value, ["aggregateId"]), "aggregateId") };
}

export function snapshotOf(value: unknown): Omit<Snapshot, "createdAt"> {
  const args = argumentsOf(value, ["aggregateId", "lastSeq", "state"]);
  return { aggregateId: idOf(args, "aggregateId"), lastSeq: seqOf(args, "lastSeq"), state: objectOf(args, "state") };
}

export function queryArgsOf(value: unknown): QueryArgs {
  const { sql, params = [] } = argumentsOf(value, ["sql", "params"]);
  if (typeof sql !== "string") throw invalidArgument("sql must be a string.");
  if (!Array.isArray(params) || params.length > MAX_PARAMS || !params.every(isParam)) {
    throw invalidArgument(`params must be at most ${MAX_PARAMS} strings, finite numbers, booleans or nulls.`);
  }
  checkJson("params", params);
  return { sql, params };
}

export function upsertArgsOf(value: unknown): UpsertArgs {
  const { table, rows } = argumentsOf(value, ["table", "rows"]);
  if (!isName(table)) throw invalidArgument("table must match [a-zA-Z_][a-zA-Z0-9_]*.");
  if (!WINDOW_TABLES.has(table)) throw new FlowForgeError("TABLE_NOT_ALLOWED", `A window may not write to ${table}.`);
  if (!Array.isArray(rows) || rows.length > MAX_ROWS || !rows.every(isRow)) {
    throw invalidArgument(`rows must be at most ${MAX_ROWS} objects whose keys are names of columns.`);
  }
  checkJson("rows", rows);
  return { table, rows };
}

function isParam(value: unknown): boolean {
  return value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value);
}

function isRow(value: unknown): value is Row {
  if (!isPlainObject(value)) return false;
  const columns = Object.keys(value);
  return columns.length > 0 && columns.length <= MAX_COLUMNS && columns.every(isName);
}

function idOf(args: Args, name: string): string {
  const value = args[name];
  const isId = typeof value === "string" && value !== "" && value.length <= MAX_ID_LENGTH && value.isWellFormed();
  if (isId && !value.startsWith("@")) return value;
  throw invalidArgument(`${name} must be a text of 1 to ${MAX_ID_LENGTH} characters that does not begin with @.`);
}

function seqOf(args: Args, name: string): number {
  const value = args[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw invalidArgument(`${name} must be a whole number, 0 or more.`);
}

function objectOf(args: Args, name: string): Record<string, unknown> {
  const value = args[name];
  if (!isPlainObject(value)) throw invalidArgument(`${name} must be an object.`);
  checkJson(name, value);
  return value;
}
