// Programs that must compile, and `@ts-expect-error` before what must not. The check of types is their test.
import {
  type AdministrableStreamFactory,
  type AtomicStorage,
  type AtomicStreamFactory,
  type CandidateEvent,
  createStreamFactory,
  type EventFilter,
  type EventShape,
  isStreamError,
  type JsonValue,
  type Notifier,
  name,
  type ReadOptions,
  rawSQL,
  type StorageHandle,
  type StoredEvent,
  type Stream,
  type StreamBackend,
  type StreamFactory,
  type StreamWrite,
  sql,
  type TransactionalStorage,
  type TransactionalStreamFactory,
} from "async-streams";
import type { MemoryStorageHandle } from "async-streams/memory";

interface Deposit {
  readonly amount: number;
  readonly note?: string | undefined;
}
interface Node {
  readonly name: string;
  readonly children: readonly Node[];
}
interface Opened {
  readonly type: "Opened";
  readonly data: { readonly owner: string; readonly tree: Node };
}
type BankEvent =
  | Opened
  | { type: "Deposited"; data: Deposit }
  | { type: "Withdrawn"; data: Deposit; metadata: { userId: string } }
  | { type: "Photographed"; data: Uint8Array; metadata?: { camera: string } };

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(_: Equal<A, B>): void {}

declare const streams: StreamFactory;
declare const account: Stream<BankEvent>;
declare const untyped: Stream;
declare const key: string | undefined;
declare const anyText: string;

/** Undefined stands for "not given" in every optional field, and metadata has the form that the event says. */
export async function writing(): Promise<void> {
  const deposit: Deposit = { amount: 1 };
  await account.write({ type: "Deposited", data: deposit, idempotencyKey: key, metadata: undefined });
  await account.write({ type: "Deposited", data: deposit, metadata: { any: ["json"] } });
  await account.write({ type: "Withdrawn", data: deposit, metadata: { userId: "ada" } });
  await account.write({ type: "Photographed", data: Buffer.from("x"), metadata: null });
  await account.write([{ type: "Opened", data: { owner: "ada", tree: { name: "root", children: [] } } }]);
  await account.write(Math.random() > 0.5 ? [] : { type: "Deposited", data: deposit });
  const mapped = [1, 2].map((amount): CandidateEvent<BankEvent> => ({ type: "Deposited", data: { amount } }));
  await account.write(mapped);
  await untyped.write({ type: anyText, data: deposit });

  // @ts-expect-error an amount is a number
  await account.write({ type: "Deposited", data: { amount: "1" } });
  // @ts-expect-error a misspelt type
  await account.write({ type: "Depositd", data: { amount: 1 } });
  // @ts-expect-error metadata is missing
  await account.write({ type: "Withdrawn", data: { amount: 1 } });
  // @ts-expect-error metadata of another form
  await account.write({ type: "Withdrawn", data: { amount: 1 }, metadata: { userID: "ada" } });
  // @ts-expect-error a misspelt field
  await account.write({ type: "Deposited", data: { amount: 1 }, idempotencykey: "1" });

  for await (const event of account.read()) {
    // @ts-expect-error a stored event has fields that the store sets
    await account.write(event);
    // @ts-expect-error in a list too
    await untyped.write([event]);
    // @ts-expect-error and as a copy
    await untyped.write({ ...event, idempotencyKey: event.id });
    const { type, data, metadata, id } = event;
    await untyped.write({ type, data, metadata, idempotencyKey: id });
  }
}

/** What is read has the metadata that was typed; without a type it is any JSON object or null. */
export async function reading(): Promise<void> {
  for await (const event of account.read()) {
    same<typeof event, StoredEvent<BankEvent>>(true);
    if (event.type === "Withdrawn") event.metadata.userId satisfies string;
    if (event.type === "Photographed") event.metadata?.camera satisfies string | undefined;
    if (event.type === "Opened") event.data.tree.children[0]?.name satisfies string | undefined;
  }
  for await (const event of untyped.read()) event.metadata?.userId satisfies JsonValue | undefined;
}

declare const filter: EventFilter;
declare const options: ReadOptions;
type Deposited = Extract<BankEvent, { type: "Deposited" }>;
type Moved = Extract<BankEvent, { type: "Deposited" | "Withdrawn" }>;

/** A filter of types narrows what comes; every other filter leaves it whole. */
export async function filtering(): Promise<void> {
  for await (const event of account.read({ filter: [{ field: "type", op: "=", value: "Deposited" }] }))
    same<typeof event, StoredEvent<Deposited>>(true);
  for await (const event of account.watch({ filter: [{ field: "type", op: "in", value: ["Deposited", "Withdrawn"] }] }))
    same<typeof event, StoredEvent<Moved>>(true);
  account
    .watch({
      filter: [
        { field: "data.amount", op: ">=", value: 10 },
        { field: "type", op: "=", value: "Deposited" },
      ],
    })
    .subscribe((event) => same<typeof event, StoredEvent<Deposited>>(true));
  const kept = [{ field: "type", op: "=", value: "Deposited" }] as const;
  for await (const event of account.read({ filter: kept })) same<typeof event, StoredEvent<Deposited>>(true);

  const whole = [
    account.read({ filter }),
    account.read(options),
    account.read({ filter: [] }),
    account.read({ filter: [{ field: "type", op: "=", value: anyText }] }),
    account.read({ filter: [{ field: "type", op: "prefix", value: "Dep" }] }),
    account.read({ filter: [{ field: "type", op: "!=", value: "Deposited" }] }),
    account.read({ filter: [{ field: "data.type", op: "=", value: "no event type" }] }),
    account.read({ filter: [...filter, { field: "version", op: "<", value: 3 }] }),
  ];
  same<(typeof whole)[number], AsyncIterable<StoredEvent<BankEvent>>>(true);
  for await (const event of untyped.read({ filter: [{ field: "type", op: "=", value: "Anything" }] }))
    same<typeof event, StoredEvent>(true);

  // @ts-expect-error a misspelt type
  account.read({ filter: [{ field: "type", op: "=", value: "Depositd" }] });
  // @ts-expect-error one misspelt type of two
  account.watch({ filter: [{ field: "type", op: "in", value: ["Deposited", "Withdrwan"] }] });
  // @ts-expect-error an unknown operator
  account.read({ filter: [{ field: "type", op: "==", value: "Deposited" }] });
  // @ts-expect-error an unknown field
  untyped.read({ filter: [{ field: "kind", op: "=", value: "Deposited" }] });
}

/** What JSON does not carry is found where the event is written; interfaces, unions and recursion pass. */
export async function storable(): Promise<void> {
  class Money {
    readonly cents = 1;
    plus(): Money {
      return this;
    }
  }
  const dated = await streams.openStream<{ type: "A"; data: { at: Date } }>("a");
  // @ts-expect-error a Date comes back as a string
  await dated.write({ type: "A", data: { at: new Date() } });
  const priced = await streams.openStream<{ type: "A"; data: readonly Money[] }>("a");
  // @ts-expect-error an instance comes back without its methods
  await priced.write({ type: "A", data: [new Money()] });
  const mapped = await streams.openStream<{ type: "A"; data: { big?: bigint; map: Map<string, string> } }>("a");
  // @ts-expect-error a Map comes back empty
  await mapped.write({ type: "A", data: { map: new Map() } });
  const nested = await streams.openStream<{ type: "A"; data: { bytes: Uint8Array } }>("a");
  // @ts-expect-error bytes are data as a whole, and not within it
  await nested.write({ type: "A", data: { bytes: new Uint8Array() } });

  const open = await streams.openStream<{ type: "A"; data: JsonValue } | { type: "B"; data: object }>("a");
  await open.write([
    { type: "A", data: [{ deep: [null] }] },
    { type: "B", data: {} },
  ]);
  const tuple = await streams.openStream<{ type: "A"; data: [string, Node | null] }>("a");
  await tuple.write({ type: "A", data: ["x", null] });
}

/** `any` turns the checks off, where it stands. */
export async function unchecked(): Promise<void> {
  // biome-ignore lint/suspicious/noExplicitAny: this is about it.
  const events: Stream<any> = account;
  await events.write({ type: "A", data: { at: 1 } });
  // biome-ignore lint/suspicious/noExplicitAny: this is about it.
  const loose = await streams.openStream<{ type: "A"; data: any } | { type: "B"; data: { list: any[] } }>("a");
  await loose.write({ type: "A", data: { at: 1 } });
  await loose.write([{ type: "B", data: { list: [1, { deep: null }] } }]);
  // @ts-expect-error a misspelt type
  await loose.write({ type: "C", data: null });
}

/** Generic code takes a typed handle, and a typed handle may stand where any is wanted. */
export async function generic<E extends EventShape>(stream: Stream<E>, events: readonly CandidateEvent<E>[]) {
  await stream.write(events);
  const stored: StoredEvent<E>[] = [];
  for await (const event of stream.read({ after: 1 })) stored.push(event);
  stream.watch({ after: 0 }).subscribe((event) => stored.push(event));
  const opened: Stream<E> = await streams.openStream<E>("a");
  const widened: Stream = account;
  return [opened, widened, stored];
}

/** A switch over the code narrows to the class. */
export function describe(error: unknown): string | number {
  if (!isStreamError(error)) return "not the library's";
  switch (error.code) {
    case "CONCURRENCY_CONFLICT":
      return error.actualVersion;
    case "IDEMPOTENCY_CONFLICT":
      return error.idempotencyKey;
    case "INVALID_EVENT":
      return error.path;
    case "INVALID_FILTER":
      return error.clauseIndex;
    case "INVALID_ARGUMENT":
      return error.argument;
    case "STORAGE_LOCKED":
      // @ts-expect-error only a conflict has it
      return error.actualVersion;
    default:
      return error.code;
  }
}

/** A decision is one event or several. */
export function decide<E extends EventShape>(
  stream: Stream<E>,
  decision: CandidateEvent<E> | readonly CandidateEvent<E>[],
) {
  return stream.write(decision);
}

declare const notifier: Notifier;
declare const anyStorage: StorageHandle;
declare const atomic: AtomicStorage;
declare const transactional: TransactionalStorage;
declare const memory: MemoryStorageHandle;

/** A factory has what its storage can do, and no more. */
export function factories(): void {
  const plainStreams = createStreamFactory({ storage: anyStorage, notifier });
  const atomicStreams = createStreamFactory({ storage: atomic, notifier });
  const transactionalStreams = createStreamFactory({ storage: transactional, notifier });
  same<typeof plainStreams, StreamFactory>(true);
  same<typeof atomicStreams, AtomicStreamFactory>(true);
  same<typeof transactionalStreams, TransactionalStreamFactory>(true);
  const both = createStreamFactory({ storage: { ...transactional, ...atomic }, notifier });
  same<typeof both, TransactionalStreamFactory>(true);
  const inMemory = createStreamFactory({ storage: memory, notifier, findMisuse: true });
  same<typeof inMemory, TransactionalStreamFactory & AdministrableStreamFactory>(true);
  const backend: StreamBackend = { storage: transactional, notifier };
  const unknown = createStreamFactory(backend);
  same<typeof unknown, StreamFactory>(true);

  // @ts-expect-error a storage with the two old protocols has no atomic writes
  void plainStreams.writeAll([]);
  // @ts-expect-error nor a list of its streams
  void plainStreams.listStreams();
  // @ts-expect-error nor transactions
  void plainStreams.transaction(async () => 1);
  // @ts-expect-error atomic appends are no transactions
  void atomicStreams.transaction(async () => 1);
  // @ts-expect-error nor tables
  void atomicStreams.query(sql`SELECT 1`);
}

/** Values, rows and results of transactions have their types. */
export async function transactions(store: TransactionalStreamFactory): Promise<void> {
  const total = await store.transaction(async (tx) => {
    await tx.write<BankEvent>("a", { type: "Deposited", data: { amount: 1 } }, { expectedVersion: undefined });
    // @ts-expect-error a misspelt type
    await tx.write<BankEvent>("a", { type: "Depositd", data: { amount: 1 } });
    for await (const event of tx.read<BankEvent>("a")) if (event.type === "Deposited") event.data.amount.toFixed();
    const rows = await tx.sql.all<{ balance: number }>(
      sql`SELECT balance FROM ${name("accounts")} WHERE id = ${key ?? null}`,
    );
    return rows[0]?.balance ?? 0;
  });
  same<typeof total, number>(true);
  const writes: StreamWrite<BankEvent>[] = [
    { streamId: "a", events: [], expectedVersion: "exists" },
    { streamId: "b", events: { type: "Deposited", data: { amount: 1 } } },
  ];
  await store.writeAll(writes, { conditions: { failIfEventsMatch: [{ field: "type", op: "=", value: "A" }] } });
  await store.query(rawSQL("SELECT ?", [1]), { signal: AbortSignal.timeout(1) });

  // @ts-expect-error a Date is no value of SQL
  await store.query(sql`SELECT ${new Date()}`);
  // @ts-expect-error undefined is none either
  await store.query(sql`SELECT ${key}`);
  // @ts-expect-error a statement is made by sql or rawSQL
  await store.query("SELECT 1");
  // @ts-expect-error the callback is asynchronous
  await store.transaction(() => 1);
}

/** The codes of transactions narrow to the fields of their errors. */
export function transactionErrors(error: unknown): void {
  if (isStreamError(error, "CONDITION_FAILED")) same<typeof error.position, number>(true);
  if (isStreamError(error, "RECORD_CONFLICT")) same<typeof error.revision, number>(true);
  if (isStreamError(error, "TRANSACTION_TIMEOUT")) same<typeof error.code, "TRANSACTION_TIMEOUT">(true);
}
