import type { SnapshotQuery } from "async-streams";
import type { LinePlace } from "./line-file.js";

/** Which snapshots there are, and where. */
export class SnapshotIndex {
  readonly #lineByVersion = new Map<string, Map<number, LinePlace>>();

  add(snapshot: { streamId: string; projection: string; version: number }, line: LinePlace): void {
    const name = nameOf(snapshot);
    const versions = this.#lineByVersion.get(name) ?? new Map<number, LinePlace>();
    this.#lineByVersion.set(name, versions.set(snapshot.version, line));
  }

  /** The newest one is that with the highest version, whichever was saved last. */
  findNewest(query: SnapshotQuery): LinePlace | undefined {
    const { atOrBefore = Number.MAX_SAFE_INTEGER } = query;
    let newest: { version: number; line: LinePlace } | undefined;
    for (const [version, line] of this.#lineByVersion.get(nameOf(query)) ?? []) {
      if (version <= atOrBefore && version > (newest?.version ?? -1)) newest = { version, line };
    }
    return newest?.line;
  }
}

function nameOf({ streamId, projection }: { streamId: string; projection: string }): string {
  return JSON.stringify([streamId, projection]);
}
