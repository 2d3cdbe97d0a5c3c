import type {
  AdministrableStorage,
  AdministrableStreamFactory,
  AtomicStorage,
  AtomicStreamFactory,
  EventShape,
  MaintainableStreamFactory,
  StorageHandle,
  StoreMaintenance,
  Stream,
  StreamBackend,
  StreamFactory,
  TransactionalStorage,
  TransactionalStreamFactory,
} from "../../protocols/index.js";
import { Lifetime } from "../adapter-kit/lifetime.js";
import { PendingWork } from "../adapter-kit/pending-work.js";
import { addAdministration, isAdministrable } from "../administration/administrable-factory.js";
import { finishDeletions } from "../administration/delete-stream.js";
import { refuseUnfinishedCopy } from "../copy/unfinished-copy.js";
import { CallGuard } from "../transaction/call-guard.js";
import { GroupedAppends } from "../transaction/grouped-appends.js";
import { isAtomic, isTransactional } from "../transaction/storage-kinds.js";
import { addStoreAccess } from "../transaction/store-access.js";
import { atomicCalls, transactionalCalls } from "../transaction/transactional-factory.js";
import { checkStreamId, idText } from "../validate/check-arguments.js";
import { inCall } from "../validate/in-call.js";
import { addStreamContext } from "./context-access.js";
import { maintenanceCalls } from "./maintenance-calls.js";
import { MemoryBudget } from "./memory-budget.js";
import type { Participant } from "./participant.js";
import { type StreamContext, StreamImpl } from "./stream-impl.js";
import { typedStream } from "./typed-stream.js";

/** What a factory can do over a storage handle: what the handle implements decides. */
export type StreamFactoryOver<Storage extends StorageHandle> = Storage extends AdministrableStorage
  ? TransactionalStreamFactory & AdministrableStreamFactory
  : Storage extends TransactionalStorage
    ? TransactionalStreamFactory
    : Storage extends AtomicStorage
      ? AtomicStreamFactory
      : StreamFactory;

/**
 * Makes a store of a storage handle and a notifier: what every adapter's factory function ends with.
 *
 * The factory owns both and disposes of them, the notifier first. Over an `AtomicStorage` it has `writeAll`, and over a
 * `TransactionalStorage` also `transaction` and `query`. Over an `AdministrableStorage` it has the calls that administer
 * streams, and over a backend with `maintenance` it has `verify` and `backup`.
 *
 * @example
 * ```ts
 * const streams = createStreamFactory({ storage: new MyStorage(url), notifier: new MyNotifier(url) });
 * ```
 */
export function createStreamFactory<Storage extends StorageHandle>(
  backend: StreamBackend<Storage> & { readonly maintenance: StoreMaintenance },
): StreamFactoryOver<Storage> & MaintainableStreamFactory;
export function createStreamFactory<Storage extends StorageHandle>(
  backend: StreamBackend<Storage>,
): StreamFactoryOver<Storage>;
export function createStreamFactory(backend: StreamBackend): StreamFactory {
  const context = contextOf(backend);
  const { storage } = context;
  const factory = factoryOver(context);
  if (backend.hasUnfinishedDeletions && isAdministrable(storage)) void finishDeletions({ ...context, storage });
  return factory;
}

/** Makes a factory that has the calls which its storage allows. */
export function factoryOver(context: StreamContext): StreamFactory {
  const { storage, maintenance } = context;
  const factory = new StreamFactoryImpl(context);
  addStreamContext(factory, context);
  if (isTransactional(storage)) {
    Object.assign(factory, transactionalCalls(storage, context));
    addStoreAccess(factory, { ...context, storage });
  }
  if (isTransactional(storage) || isAtomic(storage)) Object.assign(factory, atomicCalls(storage, context));
  if (isAdministrable(storage)) addAdministration(factory, { ...context, storage });
  if (maintenance !== undefined) Object.assign(factory, maintenanceCalls(maintenance, context));
  return factory;
}

function contextOf(backend: StreamBackend): StreamContext {
  const { notifier, now = Date.now, findMisuse, maintenance, isUnfinishedCopy } = backend;
  const storage = isUnfinishedCopy ? refuseUnfinishedCopy(backend.storage) : backend.storage;
  const subject = storage.location === undefined ? "the store" : `the store ${storage.location}`;
  const participants = new Set<Participant>();
  return {
    storage,
    notifier,
    now,
    findMisuse,
    maintenance,
    lifetime: new Lifetime(subject),
    memory: new MemoryBudget(),
    pendingWrites: new PendingWork(),
    calls: new CallGuard(storage.location, findMisuse),
    services: new Set(),
    participants,
    grouped: new GroupedAppends(storage, participants),
  };
}

class StreamFactoryImpl implements StreamFactory {
  readonly #context: StreamContext;
  #disposal: Promise<void> | undefined;

  constructor(context: StreamContext) {
    this.#context = context;
  }

  async openStream<E extends EventShape = EventShape>(streamId: string): Promise<Stream<E>> {
    const { lifetime, storage, calls } = this.#context;
    lifetime.assertOpen("open a stream");
    calls.assertOutside("openStream", idText(streamId));
    this.#check(streamId);
    const version = await calls.note(() => storage.getVersion(streamId), "openStream", streamId);
    lifetime.assertOpen(`open stream "${streamId}"`);
    return typedStream<E>(new StreamImpl(streamId, version, this.#context));
  }

  #check(streamId: string): void {
    try {
      checkStreamId(streamId);
    } catch (error) {
      throw inCall(error, "open a stream", this.#context.storage.location);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It would wait for the transaction.
    if (this.#disposal === undefined) this.#context.calls.assertOutside("the disposal of the factory");
    this.#disposal ??= this.#dispose();
    return this.#disposal;
  }

  async #dispose(): Promise<void> {
    const { lifetime, services, pendingWrites, notifier, storage } = this.#context;
    // What runs on the store may use it until it has stopped.
    if (services.size > 0) await Promise.all([...services].map((service) => service.stop()));
    lifetime.refuse();
    await pendingWrites.drained();
    lifetime.close();
    try {
      await notifier[Symbol.asyncDispose]();
    } finally {
      await storage[Symbol.asyncDispose]();
    }
  }
}
