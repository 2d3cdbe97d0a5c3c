/** Earlier versions can corrupt a WAL database that two connections write and checkpoint at once. */
export const MIN_SQLITE_VERSION = "3.51.3";

export function isSupportedSQLite(version: string): boolean {
  return versionNumber(version) >= versionNumber(MIN_SQLITE_VERSION);
}

/**
 * A version as one number, as SQLite's own SQLITE_VERSION_NUMBER. The collation that localeCompare needs to compare
 * numbers in texts takes as long to make as the rest of the opening.
 */
function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return major * 1_000_000 + minor * 1_000 + patch;
}
