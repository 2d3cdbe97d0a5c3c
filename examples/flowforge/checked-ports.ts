import { inspect } from "node:util";
import { invalidArgument } from "./flowforge-error.js";
import type { DbContext, QueryArgs } from "./ports.js";

/**
 * A database whose ports say what is wrong where an argument is none at all, or a query has none. Both adapters take their
 * arguments apart, and would say only that.
 */
export function withCheckedPorts<C extends DbContext>(db: C): C {
  const { eventStore, projectionStore, tx, blobs, windowQueries } = db;
  return {
    ...db,
    eventStore: {
      append: async (event) => eventStore.append(objectOf("event", event)),
      load: async (args) => eventStore.load(objectOf("args", args)),
      latestSnapshot: async (args) => eventStore.latestSnapshot(objectOf("args", args)),
      saveSnapshot: async (snapshot) => eventStore.saveSnapshot(objectOf("snapshot", snapshot)),
    },
    projectionStore: {
      query: async (args) => projectionStore.query(queryOf(args)),
      upsert: async (args) => projectionStore.upsert(objectOf("args", args)),
      truncate: async (args) => projectionStore.truncate(objectOf("args", args)),
    },
    tx: {
      async runInTransaction(fn) {
        if (typeof fn !== "function") throw invalidArgument(`fn must be a function, not ${inspect(fn)}.`);
        return tx.runInTransaction(fn);
      },
    },
    blobs: {
      put: async (args) => blobs.put(objectOf("args", args)),
      get: async (args) => blobs.get(objectOf("args", args)),
      stat: async (args) => blobs.stat(objectOf("args", args)),
    },
    windowQueries: {
      query: async (args) => windowQueries.query(queryOf(args)),
      close: () => windowQueries.close(),
    },
  };
}

/** @throws FlowForgeError `INVALID_ARGUMENT` when it is none */
export function objectOf<T>(what: string, value: T): T {
  if (typeof value === "object" && value !== null) return value;
  throw invalidArgument(`${what} must be an object, not ${inspect(value)}.`);
}

function queryOf(args: QueryArgs): QueryArgs {
  const { sql, params = [] } = objectOf("args", args);
  if (typeof sql !== "string") throw invalidArgument(`sql must be a string, not ${inspect(sql)}.`);
  if (!Array.isArray(params)) throw invalidArgument(`params must be an array, not ${inspect(params)}.`);
  return args;
}
