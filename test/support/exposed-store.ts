import { MessageChannel } from "node:worker_threads";
import type { StreamBackend, StreamFactory } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { connectBackend } from "../../src/worker/connect-streams.js";
import { exposeStreams } from "../../src/worker/index.js";
import { disposingAlso } from "./disposing-also.js";

/** The parts of a store that is reached through a channel. Disposing of its storage disposes of the store too. */
export async function openExposedBackend(streams: StreamFactory): Promise<StreamBackend> {
  const { port1, port2 } = new MessageChannel();
  exposeStreams(streams, port1);
  const backend = await connectBackend(port2);
  return { ...backend, storage: disposingAlso(backend.storage, { after: [streams] }) };
}

/** A store that is reached through a channel. */
export async function openExposedStore(streams: StreamFactory): Promise<StreamFactory> {
  return createStreamFactory(await openExposedBackend(streams));
}
