/**
 * Consumers: effects of events, at least once, or exactly once through a transaction.
 *
 * @packageDocumentation
 */
export { MAX_BYTES_AHEAD, MAX_CONSUMER_NAME_LENGTH, MAX_EVENTS_AHEAD, MAX_PARTITIONS } from "../limits.js";
export { consume } from "./consume.js";
export {
  type CheckpointInterval,
  type Consumer,
  type ConsumerDefinition,
  type ConsumerFailure,
  type ConsumerLag,
  type ConsumerOptions,
  type HandlerContext,
  type ParkedEvent,
  type RetryPolicy,
  type StopOptions,
  TerminalError,
  type WhenProcessedOptions,
} from "./consumer.js";
export { dropConsumer } from "./drop-consumer.js";
export { dropParked, parked, retryParked } from "./parked-events.js";
