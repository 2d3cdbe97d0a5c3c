import type { StreamBackend, StreamFactory, TransactionalStreamFactory } from "../../protocols/index.js";
import { createStreamFactory } from "../stream/create-stream-factory.js";
import { inAttempt } from "../validate/in-call.js";
import { connectedMaintenance } from "./connected-maintenance.js";
import { ConnectedNotifier } from "./connected-notifier.js";
import { connectedStorage } from "./connected-storage.js";
import { Connection } from "./connection.js";
import type { StreamPort } from "./port.js";

/**
 * Connects a worker to a store that another thread exposes. Reads, watches, consumers and projections work on it as on the
 * store itself, and it has the calls that the store has: `F` is the caller's word for that. Errors keep their class and their
 * fields.
 *
 * Waits until the store is exposed. Disposing of it ends the connection, and not the store. When the other side ends it,
 * every call fails with `StreamClosedError`, those under way and watches too.
 *
 * @param port - one end of a channel whose other end the store is exposed through, such as `parentPort`
 * @throws InvalidArgumentError when it is no port, or carries a connection already.
 * @throws StreamClosedError when the other end goes away before the store is exposed.
 *
 * @example
 * ```ts
 * import { workerData } from "node:worker_threads";
 * import { connectStreams } from "async-streams/worker";
 *
 * await using streams = await connectStreams(workerData.port);
 * const account = await streams.openStream("account-42");
 * for await (const event of account.read()) console.log(event.type);
 * ```
 */
export async function connectStreams<F extends StreamFactory = TransactionalStreamFactory>(
  port: StreamPort,
): Promise<F> {
  return createStreamFactory(await connectBackend(port)) as StreamFactory as F;
}

/** Connects the parts of a store. */
export async function connectBackend(port: unknown): Promise<StreamBackend> {
  const connection = inAttempt("connect to a store", undefined, () => new Connection(port));
  const store = await connection.open();
  return {
    storage: connectedStorage(connection, store),
    notifier: new ConnectedNotifier(connection),
    findMisuse: store.findMisuse,
    ...(store.canMaintain && { maintenance: connectedMaintenance(connection, store.location) }),
  };
}
