/** What a store says of a stream whose versions do not run from the first to the last without gaps. */
export interface WrongStream {
  /** The first version that was not removed. */
  readonly first: number;
  /** The xor of the checksums of the events that were removed. */
  readonly removed: number;
  /** Of the events that are there. */
  readonly firstVersion: number;
  readonly lastVersion: number;
  readonly events: number;
}

/** Where a stream is wrong, and how. */
export interface WrongPlace {
  readonly version: number;
  readonly detail: string;
}

/** @param firstMissing - looks for the first version from `first` on that is not there */
export async function wrongPlaceOf(
  { first, removed, firstVersion, lastVersion, events }: WrongStream,
  firstMissing: () => Promise<number>,
): Promise<WrongPlace> {
  if (firstVersion < first) {
    const detail = `version ${firstVersion} is there, and the stream is said to begin at version ${first}`;
    return { version: firstVersion, detail };
  }
  const version = await firstMissing();
  if (version > lastVersion) {
    const detail = `no event is said to be removed, and ${removed} to be the xor of the checksums of those that were`;
    return { version: first, detail };
  }
  const from = first === 1 ? "" : `begins at version ${first}, `;
  const detail = `version ${version} is missing: the stream ${from}has ${events} events and ends at version ${lastVersion}`;
  return { version, detail };
}
