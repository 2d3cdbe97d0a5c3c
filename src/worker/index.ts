/**
 * A store of one thread, used from others.
 *
 * @packageDocumentation
 */
export { connectStreams } from "./connect-streams.js";
export { exposeStreams } from "./expose-streams.js";
export type { StreamPort } from "./port.js";
