import { ALL_STREAM, type EventShape, type TransactionalStreamFactory } from "../../protocols/index.js";
import { storeAccessOf } from "../transaction/store-access.js";
import { inAttempt } from "../validate/in-call.js";
import type { Consumer, ConsumerDefinition, ConsumerOptions } from "./consumer.js";
import { ConsumerRun } from "./consumer-run.js";
import { register } from "./register.js";
import { parseConsumerOptions, parseDefinition, startAttempt } from "./settings.js";

/**
 * Starts a consumer: it handles each event that it wants, those of a stream in their order, in as many processes as start it.
 * Resolves when it is registered, not when it has handled what is there. The disposal of the factory stops it.
 *
 * @throws InvalidArgumentError when the definition or an option is invalid.
 * @throws StorageError `STORAGE_UNSUPPORTED` when the store has no transactions.
 * @throws the signal's reason when it is aborted before the consumer has started.
 *
 * @example
 * ```ts
 * await using mail = await consume(streams, {
 *   name: "mail",
 *   types: ["Ordered"],
 *   startFrom: "end",
 *   handle: async ({ id, data }) => send(data, { idempotencyKey: id }),
 * });
 * ```
 */
export async function consume<E extends EventShape>(
  streams: TransactionalStreamFactory,
  definition: ConsumerDefinition<E>,
  options: ConsumerOptions = {},
): Promise<Consumer> {
  const access = storeAccessOf(streams, "start a consumer");
  const parsed = inAttempt(startAttempt(definition), access.location, () => ({
    // Which events it gets is the caller's word, as it is for streams.
    definition: parseDefinition(definition as unknown as ConsumerDefinition, access.context.hooks),
    settings: parseConsumerOptions(options),
  }));
  parsed.settings.signal?.throwIfAborted();
  const context = { streams, access, ...parsed };
  const group = await register(context);
  const run = new ConsumerRun(context, group, await streams.openStream(ALL_STREAM));
  await run.start();
  if (parsed.settings.signal?.aborted) await run.stop();
  parsed.settings.signal?.throwIfAborted();
  return run;
}
