import { createHash } from "node:crypto";

/** Before a key. */
const BLOB = "blob-";
/** Before the hash of a key that is too long for a name. */
const HASHED = "hash-";
/** Before what identifies a put that is under way. */
const TEMPORARY = "temporary-";

/** The longest encoded key that becomes a name. Some file systems take no more than 143 bytes. */
const MAX_ENCODED_LENGTH = 120;

/** All but what every file system keeps as it is, in one case. A dot at the end does not last on Windows. */
const ESCAPED = /[^a-z0-9._-]|\.$/gu;

/**
 * The name of the file that has a key's blob. File systems may fold case, change accents or reserve names: these names have
 * no upper case, nothing beyond ASCII, and never begin as a reserved one does.
 */
export function blobName(key: string): string {
  const encoded = key.replace(ESCAPED, escapeCharacter);
  if (encoded.length <= MAX_ENCODED_LENGTH) return BLOB + encoded;
  return HASHED + createHash("sha256").update(key).digest("hex");
}

function escapeCharacter(character: string): string {
  return Buffer.from(character).toString("hex").replace(/../g, "%$&");
}

/**
 * The key that a file's name has.
 *
 * @returns null when its file has to tell it; undefined when it is no file of a blob
 */
export function keyOfName(name: string): string | null | undefined {
  if (name.startsWith(HASHED)) return null;
  if (!name.startsWith(BLOB)) return undefined;
  try {
    const key = decodeURIComponent(name.slice(BLOB.length));
    return blobName(key) === name ? key : undefined;
  } catch {
    return undefined;
  }
}

/** The name of the file that a put writes, until it is complete. */
export function temporaryName(id: string): string {
  return TEMPORARY + id;
}

export function isTemporary(name: string): boolean {
  return name.startsWith(TEMPORARY);
}
