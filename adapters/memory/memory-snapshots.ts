import type {
  DeleteSnapshotsQuery,
  EncodedState,
  Snapshot,
  SnapshotQuery,
  SnapshotRetention,
} from "../../protocols/index.js";

/** The snapshots of a store. */
export class MemorySnapshots {
  #snapshots: Snapshot<EncodedState>[] = [];

  save(snapshot: Snapshot<EncodedState>, { keep }: SnapshotRetention = {}): void {
    const { streamId, projection, version } = snapshot;
    const isSame = (other: Snapshot<EncodedState>): boolean =>
      other.streamId === streamId && other.projection === projection && other.version === version;
    const index = this.#snapshots.findIndex(isSame);
    this.#snapshots.splice(index < 0 ? this.#snapshots.length : index, 1, snapshot);
    if (keep !== undefined) this.#removeOlder(snapshot, keep);
  }

  #removeOlder({ streamId, projection }: Snapshot<EncodedState>, keep: number): void {
    const own = this.#snapshots.filter((other) => other.streamId === streamId && other.projection === projection);
    const stay = new Set(own.sort((a, b) => b.version - a.version).slice(0, keep));
    const gone = new Set(own.filter((other) => !stay.has(other)));
    this.#snapshots = this.#snapshots.filter((other) => !gone.has(other));
  }

  all(): readonly Snapshot<EncodedState>[] {
    return [...this.#snapshots];
  }

  /** Removes one snapshot. */
  removeOne({ streamId, projection, version }: Pick<Snapshot, "streamId" | "projection" | "version">): void {
    this.#snapshots = this.#snapshots.filter(
      (other) => other.streamId !== streamId || other.projection !== projection || other.version !== version,
    );
  }

  /** Removes snapshots of a stream. @returns how many */
  remove(query: DeleteSnapshotsQuery): number {
    const count = this.#snapshots.length;
    this.#snapshots = this.#snapshots.filter((snapshot) => !isOfQuery(snapshot, query));
    return count - this.#snapshots.length;
  }

  /** How many `remove` would remove. */
  count(query: DeleteSnapshotsQuery): number {
    return this.#snapshots.filter((snapshot) => isOfQuery(snapshot, query)).length;
  }

  load({ streamId, projection, atOrBefore }: SnapshotQuery): Snapshot<EncodedState> | null {
    const latest = atOrBefore ?? Number.MAX_SAFE_INTEGER;
    return this.#snapshots
      .filter((s) => s.streamId === streamId && s.projection === projection && s.version <= latest)
      .reduce<Snapshot<EncodedState> | null>((best, s) => (best === null || s.version > best.version ? s : best), null);
  }
}

function isOfQuery(
  snapshot: Snapshot<EncodedState>,
  { streamId, projection, below = Number.POSITIVE_INFINITY }: DeleteSnapshotsQuery,
): boolean {
  const isOfKind = projection === undefined || snapshot.projection === projection;
  return snapshot.streamId === streamId && isOfKind && snapshot.version < below;
}
