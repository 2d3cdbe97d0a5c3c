import {
  type AdministrableStorage,
  type AdministrableStreamFactory,
  type AtomicStorage,
  type AtomicStreamFactory,
  type CopyableStorage,
  isStreamError,
  type MaintainableStreamFactory,
  type TransactionalStorage,
  type TransactionalStreamFactory,
} from "../../../protocols/index.js";
import { sql } from "../../../src/transaction/sql-statement.js";
import { patient } from "./transactions.js";

/** What only some subjects can do. A subject says so by having the methods. */
export interface Capability<Able> {
  readonly name: string;
  readonly methods: readonly (keyof Able & string)[];
  /** Asks one that has the methods. Default: it can. */
  readonly isThere?: (subject: Able) => Promise<boolean>;
}

export const MAINTENANCE: Capability<MaintainableStreamFactory> = {
  name: "maintenance",
  methods: ["verify", "backup"],
};

export const ATOMIC_WRITES: Capability<AtomicStreamFactory> = {
  name: "atomic writes",
  methods: ["writeAll"],
};

export const TRANSACTIONS: Capability<TransactionalStreamFactory> = {
  name: "transactions",
  methods: ["transaction", "query"],
};

/** A store that has transactions may have no SQL. */
export const TABLES: Capability<TransactionalStreamFactory> = {
  name: "tables",
  methods: TRANSACTIONS.methods,
  isThere: async (streams) => {
    try {
      await patient(streams).transaction((tx) => tx.sql.all(sql`SELECT 1 AS one`));
      return true;
    } catch (error) {
      if (isStreamError(error, "STORAGE_UNSUPPORTED")) return false;
      throw error;
    }
  },
};

export const ADMINISTRATION: Capability<AdministrableStreamFactory> = {
  name: "administration",
  methods: ["listStreams", "describeStream", "setStreamMetadata", "pruneStream", "deleteStream", "reclaim"],
};

export const ATOMIC_STORAGE: Capability<AtomicStorage> = {
  name: "atomic appends",
  methods: ["appendAll"],
};

export const TRANSACTIONAL_STORAGE: Capability<TransactionalStorage> = {
  name: "transactions",
  methods: ["transact"],
};

export const SHARED_TRANSACTIONS: Capability<TransactionalStorage> = {
  name: "shared transactions",
  methods: ["appendTogether"],
};

export const LISTED_RECORDS: Capability<TransactionalStorage> = {
  name: "listed records",
  methods: ["listRecords"],
};

export const ADMINISTRABLE_STORAGE: Capability<AdministrableStorage> = {
  name: "administration",
  methods: ["listStreams", "removeBefore", "deleteSnapshots", "reclaim"],
};

export const COUNTED_SNAPSHOTS: Capability<Required<AdministrableStorage>> = {
  name: "counted snapshots",
  methods: ["countSnapshots"],
};

export const COPYABLE_STORAGE: Capability<CopyableStorage> = {
  name: "copying",
  methods: ["exportContents", "importContents"],
};

/** The subject, where it can do this. One that has only some of the methods has a method missing. */
export async function ableFor<Able extends object>(
  subject: object,
  { name, methods, isThere }: Capability<Able>,
): Promise<Able | null> {
  const missing = methods.filter((method) => typeof Reflect.get(subject, method) !== "function");
  if (missing.length === 0) {
    const able = subject as Able;
    return (await isThere?.(able)) === false ? null : able;
  }
  if (missing.length === methods.length) return null;
  throw new Error(`Of ${name} it has only a part: ${missing.join(", ")} is missing`);
}
