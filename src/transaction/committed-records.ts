import type { ListRecordsOptions, Records, StoredRecord } from "../../protocols/index.js";
import { recordErrorIn } from "../leases/record-shapes.js";
import { recordsOf } from "./records-of.js";
import type { StoreAccess } from "./store-access.js";

const committed = new WeakMap<StoreAccess, CommittedRecords>();

/** The records of a store as they were committed last. Undefined: it lists them in transactions only. */
export function committedRecordsOf(access: StoreAccess): CommittedRecords | undefined {
  if (access.storage.listRecords === undefined) return undefined;
  const found = committed.get(access) ?? new CommittedRecords(access);
  committed.set(access, found);
  return found;
}

/**
 * Reads records as they were committed last, in a transaction only where they cannot be read without one.
 *
 * @param call - the public call that it is part of
 */
export function readRecords<T>(
  access: StoreAccess,
  call: string,
  timeoutMs: number,
  work: (records: Pick<Records, "get" | "list">) => Promise<T>,
): Promise<T> {
  const committed = committedRecordsOf(access);
  if (committed !== undefined) return committed.read(call, work);
  const plan = { timeoutMs, signal: undefined };
  return access.run(call, (_, inTurn) => inTurn(call, ({ records }) => work(records)), plan);
}

/** Reads records outside any transaction, so that no writer waits for it. */
export class CommittedRecords implements Pick<Records, "get" | "list"> {
  readonly #access: StoreAccess;
  /** What is being read, by space. */
  readonly #reading = new Map<string, Promise<ReadonlyMap<string, StoredRecord>>>();

  constructor(access: StoreAccess) {
    this.#access = access;
  }

  /** @param call - the public call that it is part of */
  async read<T>(call: string, work: (records: Pick<Records, "get" | "list">) => Promise<T>): Promise<T> {
    const { location, context } = this.#access;
    const { lifetime, calls } = context;
    // As a transaction does.
    lifetime.assertOpen(call);
    calls.assertOutside(call);
    try {
      return await work(this);
    } catch (error) {
      throw recordErrorIn(location, error);
    }
  }

  async get(space: string, key: string): Promise<StoredRecord | null> {
    // No other key that begins with this one comes before it.
    const [found] = await this.list(space, { prefix: key, limit: 1 });
    return found?.key === key ? found : null;
  }

  /** The same for many who ask in the same moment: they get what it was when the first of them asked. */
  get together(): Pick<Records, "get"> {
    return { get: async (space, key) => (await this.#readTogether(space)).get(key) ?? null };
  }

  #readTogether(space: string): Promise<ReadonlyMap<string, StoredRecord>> {
    const reading = this.#reading.get(space) ?? this.#readAll(space).finally(() => this.#reading.delete(space));
    this.#reading.set(space, reading);
    return reading;
  }

  async #readAll(space: string): Promise<ReadonlyMap<string, StoredRecord>> {
    const all = new Map<string, StoredRecord>();
    for await (const record of recordsOf(this, space)) all.set(record.key, record);
    return all;
  }

  async list(space: string, options: ListRecordsOptions = {}): Promise<readonly StoredRecord[]> {
    return (await this.#access.storage.listRecords?.(space, options)) ?? [];
  }
}
