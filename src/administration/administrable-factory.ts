import type {
  AdministrableStorage,
  AdministrableStreamFactory,
  StorageHandle,
  StreamFactory,
} from "../../protocols/index.js";
import type { AdministrationContext } from "./administration-context.js";
import { deleteStream } from "./delete-stream.js";
import { describeStream, listStreams } from "./list-streams.js";
import { pruneStream } from "./prune-stream.js";
import { reclaim } from "./reclaim.js";
import { setStreamMetadata } from "./stream-metadata.js";

/** Whether a storage handle can list its streams and remove events. */
export function isAdministrable(storage: StorageHandle): storage is AdministrableStorage {
  return "removeBefore" in storage && typeof storage.removeBefore === "function";
}

/** What a factory over administrable storage has besides. */
type AdministrativeCalls = Omit<AdministrableStreamFactory, "openStream" | typeof Symbol.asyncDispose>;

/** Gives a factory the calls that administer streams. */
export function addAdministration(factory: StreamFactory, context: AdministrationContext): void {
  const calls: AdministrativeCalls = {
    listStreams: (options) => listStreams(context, options),
    describeStream: (streamId) => describeStream(context, streamId),
    setStreamMetadata: (streamId, metadata, options) => setStreamMetadata(context, streamId, metadata, options),
    pruneStream: (streamId, options) => pruneStream(context, streamId, options),
    deleteStream: (streamId, options) => deleteStream(context, streamId, options),
    reclaim: (options) => reclaim(context, options),
  };
  Object.assign(factory, calls);
}
