const PREFIX = "document/";

/** The first event of a document is its creation. The event with sequence 0 comes after it, as version 2. */
const FIRST_EVENT_VERSION = 2;

/** The stream of a document. */
export function streamOf(documentId: string): string {
  return PREFIX + documentId;
}

/** The document of a stream. */
export function documentOf(streamId: string): string {
  return streamId.slice(PREFIX.length);
}

export function versionOf(sequence: number): number {
  return sequence + FIRST_EVENT_VERSION;
}

/** The sequence of a version; -1 is that of the creation, and of a document without events. */
export function sequenceOf(version: number): number {
  return version - FIRST_EVENT_VERSION;
}
