import type {
  AdministrableStorage,
  AdministrableStreamFactory,
  AtomicStorage,
  AtomicStreamFactory,
  CopyableStorage,
  MaintainableStreamFactory,
  TransactionalStorage,
  TransactionalStreamFactory,
} from "../../../protocols/index.js";

/** What only some subjects can do. A subject says so by having the methods. */
export interface Capability<Able> {
  readonly name: string;
  readonly methods: readonly (keyof Able & string)[];
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

/** Whether a subject has the methods of a capability. One that has only some of them has a method missing. */
export function isCapable<Able extends object>(subject: object, capability: Capability<Able>): subject is Able {
  const { name, methods } = capability;
  const missing = methods.filter((method) => typeof Reflect.get(subject, method) !== "function");
  if (missing.length === 0) return true;
  if (missing.length === methods.length) return false;
  throw new Error(`Of ${name} it has only a part: ${missing.join(", ")} is missing`);
}
