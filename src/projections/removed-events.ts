import { EventsRemovedError, type StreamFactory } from "../../protocols/index.js";
import { isAdministrable } from "../administration/administrable-factory.js";
import { hasStoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { inStore } from "../validate/in-call.js";
import type { Build } from "./projection-records.js";

/** How many streams are looked at together. */
const LISTED_STREAMS = 512;

/**
 * Checks that a build of a read model that readers have already can get all events.
 *
 * @throws EventsRemovedError when a stream does not have all of its events any more
 */
export async function assertNoneRemoved(
  streams: StreamFactory,
  build: Pick<Build, "name" | "version">,
  location: string | undefined,
): Promise<void> {
  if (!hasStoreAccess(streams)) return;
  const { storage } = storeAccessOf(streams, "build a projection");
  if (!isAdministrable(storage)) return;
  for (let after = ""; ; ) {
    const rows = await storage.listStreams({ prefix: "", after, limit: LISTED_STREAMS });
    const removed = rows.find(({ firstVersion }) => firstVersion > 1);
    if (removed !== undefined) throw eventsRemoved(build, removed, location);
    const last = rows.at(-1);
    if (last === undefined || rows.length < LISTED_STREAMS) return;
    after = last.streamId;
  }
}

function eventsRemoved(
  { name, version }: Pick<Build, "name" | "version">,
  { streamId, firstVersion }: { readonly streamId: string; readonly firstVersion: number },
  location: string | undefined,
): EventsRemovedError {
  const message =
    `Cannot build version ${version} of projection "${name}"${inStore(location)}: stream "${streamId}" has only its events ` +
    `from version ${firstVersion} on, so the new tables could lack what the present ones have. ` +
    `rebuild("${name}", { missing: "skip" }) builds it of what is left.`;
  return new EventsRemovedError({ streamId, firstVersion }, message);
}
