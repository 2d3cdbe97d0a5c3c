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
 * It goes on where it has found a stream that lacks some: once the build is registered, nothing is removed that it has not
 * read, and what was removed does not come back.
 */
export class RemovedEventsCheck {
  readonly #streams: StreamFactory;
  readonly #build: Pick<Build, "name" | "version">;
  readonly #location: string | undefined;
  /** The last stream of those that are known to have all. */
  #after = "";

  constructor(streams: StreamFactory, build: Pick<Build, "name" | "version">, location: string | undefined) {
    this.#streams = streams;
    this.#build = build;
    this.#location = location;
  }

  /** @throws EventsRemovedError when a stream does not have all of its events any more */
  async assertNoneRemoved(): Promise<void> {
    if (!hasStoreAccess(this.#streams)) return;
    const { storage } = storeAccessOf(this.#streams, "build a projection");
    if (!isAdministrable(storage)) return;
    for (;;) {
      const rows = await storage.listStreams({ prefix: "", after: this.#after, limit: LISTED_STREAMS });
      for (const row of rows) {
        if (row.firstVersion > 1) throw eventsRemoved(this.#build, row, this.#location);
        this.#after = row.streamId;
      }
      if (rows.length < LISTED_STREAMS) return;
    }
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
