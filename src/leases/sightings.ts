interface Sighting {
  readonly mark: number;
  readonly sinceMs: number;
}

/** For how long marks of records, such as their revisions, have not changed, by the clock that does not jump. */
export class Sightings {
  readonly #sightings = new Map<string, Sighting>();

  /** For how long the mark of this key has been the same: 0 when it is new or another. */
  unchangedForMs(key: string, mark: number): number {
    const nowMs = performance.now();
    const sighting = this.#sightings.get(key);
    if (sighting?.mark === mark) return nowMs - sighting.sinceMs;
    this.#sightings.set(key, { mark, sinceMs: nowMs });
    return 0;
  }

  /** Forgets all keys but these. */
  keepOnly(keys: readonly string[]): void {
    const kept = new Set(keys);
    for (const key of this.#sightings.keys()) if (!kept.has(key)) this.#sightings.delete(key);
  }
}
