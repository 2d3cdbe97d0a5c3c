import type { EventFilter, EventShape, JsonValue, StoredEvent } from "../../protocols/index.js";
import { DELETED_EVENT_TYPE } from "../../protocols/index.js";
import { sql } from "../transaction/sql-statement.js";
import {
  checkFunction,
  checkName,
  checkOptions,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { synchronous } from "../validate/synchronous.js";
import { checkPlainName } from "./definition.js";
import { readModelStoreOf } from "./model-store.js";
import type { Projection, ReadModelStore } from "./projection.js";
import { readLive } from "./projection-records.js";
import { loadCommitted, loadDocument, storeDocument } from "./stored-documents.js";
import { hasTables, VersionedContext } from "./versioned-context.js";

/** What documents are made of. */
export interface DocumentsDefinition<S extends JsonValue, E extends EventShape> {
  /** The name of the projection, and of its view. */
  readonly name: string;
  /** Raise it with every change of `key` or `evolve`. Default 1. */
  readonly version?: number | undefined;
  /** The types that it wants. Default: all but the library's own. */
  readonly types?: readonly E["type"][] | undefined;
  /** Only events for which every clause holds. Default: all. */
  readonly filter?: EventFilter | undefined;
  /** Which documents an event changes; null: none. Default: the one of its stream. */
  key?(event: StoredEvent<E>): string | readonly string[] | null;
  /** The document after an event. Null deletes it. */
  evolve(document: S | null, event: StoredEvent<E>): S | null;
}

const FIELDS: OptionNames<DocumentsDefinition<JsonValue, EventShape>> = {
  name: true,
  version: true,
  types: true,
  filter: true,
  key: true,
  evolve: true,
};

/**
 * A projection of one JSON document for each key, loaded and stored once a batch. Where the store has SQL, the documents are
 * rows of the view `<name>` with the columns `key` and `document`.
 *
 * @throws InvalidArgumentError when a field is unknown or no function.
 *
 * @example
 * ```ts
 * const balances = documents<number, Deposited>({
 *   name: "balances",
 *   types: ["Deposited"],
 *   evolve: (balance, { data }) => (balance ?? 0) + data.amount,
 * });
 * ```
 */
export function documents<S extends JsonValue, E extends EventShape>(
  definition: DocumentsDefinition<S, E>,
): Projection<E> {
  check(definition);
  const { name, version, types, filter } = definition;
  return {
    name,
    version,
    types,
    filter,
    async tables(context) {
      if (!hasTables(context)) return;
      await context.sql.run(sql`CREATE TABLE ${context.table(name)} (key TEXT PRIMARY KEY, document TEXT NOT NULL)`);
    },
    async project(events, context) {
      const found = new Map<string, S | null>();
      for (const event of events) {
        for (const key of keysOf(definition, event)) {
          if (!found.has(key)) found.set(key, await loadDocument<S>(context, name, key));
          found.set(key, documentAfter(definition, found.get(key) ?? null, event));
        }
      }
      for (const [key, document] of found) await storeDocument(context, name, key, document);
    },
  };
}

function check(definition: object): void {
  if (typeof definition !== "object" || definition === null) {
    throw invalidArgument("definition", `expected { name, evolve }, got ${describeValue(definition)}`);
  }
  checkOptions(definition, FIELDS, "field");
  const { key, evolve } = definition as Partial<DocumentsDefinition<JsonValue, EventShape>>;
  checkFunction("key", key);
  checkFunction("evolve", evolve);
  if (evolve === undefined) throw invalidArgument("evolve", "expected a function, got undefined");
}

function keysOf<S extends JsonValue, E extends EventShape>(
  definition: DocumentsDefinition<S, E>,
  event: StoredEvent<E>,
): readonly string[] {
  const keys = definition.key === undefined ? event.streamId : (definition.key(event) ?? []);
  const isList = typeof keys === "object" && Symbol.iterator in keys;
  const all = isList ? [...new Set(keys)] : [keys];
  // What readDocument would not accept: a document that nobody finds, or two in the place of one.
  for (const key of all) checkName("key", key);
  return all;
}

/** A deleted stream's document goes with it, where the stream is the key. */
function documentAfter<S extends JsonValue, E extends EventShape>(
  definition: DocumentsDefinition<S, E>,
  document: S | null,
  event: StoredEvent<E>,
): S | null {
  if (definition.key === undefined && event.type === DELETED_EVENT_TYPE) return null;
  return synchronous("evolve", definition.evolve(document, event));
}

const READ_TIMEOUT_MS = 10_000;

/**
 * The document of a key in the live version, or null.
 *
 * @throws InvalidArgumentError when an argument is invalid.
 */
export async function readDocument<S extends JsonValue>(
  store: ReadModelStore,
  name: string,
  key: string,
): Promise<S | null> {
  const model = readModelStoreOf(store, "read a document");
  inAttempt("read a document", model.access?.location, () => {
    checkPlainName("name", name);
    checkName("key", key);
  });
  const committed = await loadCommitted<S>(model, name, key);
  if (committed !== undefined) return committed;
  return model.run("readDocument", READ_TIMEOUT_MS, async (tx) => {
    const live = await readLive(tx.records, model.spaces, name);
    if (live === null) return null;
    const { version, generation } = live;
    return loadDocument<S>(new VersionedContext(tx, { name, version, generation }, model.spaces), name, key);
  });
}
