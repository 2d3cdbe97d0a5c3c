import { isStreamError } from "async-streams";

/** A request that a document cannot meet. The messages are those of the seed. */
export class DocumentError extends Error {
  readonly code: DocumentErrorCode;

  constructor(code: DocumentErrorCode, lines: readonly string[], options?: ErrorOptions) {
    super(lines.join("\n"), options);
    this.name = "DocumentError";
    this.code = code;
  }
}

export type DocumentErrorCode =
  | "PERMISSION_DENIED"
  | "DOCUMENT_MISSING"
  | "DOCUMENT_EXISTS"
  | "DUPLICATE_SEQUENCE"
  | "SEQUENCE_GAP"
  | "INVALID_EVENT";

export function permissionDenied(documentId: string, path: string, cause: unknown): DocumentError {
  return new DocumentError(
    "PERMISSION_DENIED",
    [
      `Failed to open database for document "${documentId}": Permission denied.`,
      "Ensure the application has write permissions to the database directory.",
      `Path: ${path}`,
    ],
    { cause },
  );
}

export function documentMissing(documentId: string, cause?: unknown): DocumentError {
  return new DocumentError(
    "DOCUMENT_MISSING",
    [
      `Document "${documentId}" does not exist in the metadata table.`,
      "Ensure the document is created before persisting events.",
    ],
    { cause },
  );
}

export function duplicateSequence(documentId: string, sequence: number, cause?: unknown): DocumentError {
  return new DocumentError(
    "DUPLICATE_SEQUENCE",
    [
      `Event sequence ${sequence} already exists for document "${documentId}".`,
      "This indicates a concurrency issue or duplicate event submission.",
    ],
    { cause },
  );
}

export function sequenceGap(documentId: string, sequence: number, expected: number, cause?: unknown): DocumentError {
  return new DocumentError(
    "SEQUENCE_GAP",
    [
      `Event sequence ${sequence} does not follow the events of document "${documentId}": the next one is ${expected}.`,
      "Persist events in order, without gaps.",
    ],
    { cause },
  );
}

/** Turns the store's "was deleted" into the application's "does not exist". */
export function documentErrors(documentId: string): (error: unknown) => never {
  return (error) => {
    throw isStreamError(error, "STREAM_DELETED") ? documentMissing(documentId, error) : error;
  };
}
