import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { invalidArgument } from "../validate/check-arguments.js";
import { folderPath } from "../validate/folder-path.js";
import { inCall } from "../validate/in-call.js";
import { pathText } from "../validate/path-text.js";
import type { Migration } from "./migration.js";

/** A number, a name, and a direction. */
const FILE_NAME = /^((\d+)_.+)\.(up|down)\.sql$/;

/**
 * Reads migrations from the files of a folder: `0001_accounts.up.sql`, and `0001_accounts.down.sql` where it can be undone.
 * They are ordered by their numbers. The id of this one is `0001_accounts`. Files that do not end with `.sql` are left alone.
 *
 * @throws InvalidArgumentError when the folder or a file cannot be read, an `.sql` file has another name or no `up`, or two
 * migrations have one number.
 *
 * @example
 * ```ts
 * await migrate(streams, migrationsFrom(new URL("./migrations/", import.meta.url)));
 * ```
 */
export async function migrationsFrom(folder: string | URL): Promise<readonly Migration[]> {
  try {
    return await readMigrations(folderPath(folder));
  } catch (error) {
    throw inCall(error, `read migrations from ${pathText(folder)}`, undefined);
  }
}

async function readMigrations(path: string): Promise<readonly Migration[]> {
  const byNumber = new Map<bigint, FoundMigration>();
  for (const fileName of await readNames(path)) {
    const [, id, digits, direction] = FILE_NAME.exec(fileName) ?? [];
    if (id === undefined || digits === undefined) {
      throw invalidFolder(path, `"${fileName}" is not named like 0001_name.up.sql or 0001_name.down.sql; rename it`);
    }
    // A date with its time has more digits than a number keeps.
    const number = BigInt(digits);
    const found = byNumber.get(number) ?? { id };
    if (found.id !== id) throw invalidFolder(path, `"${found.id}" and "${id}" have the same number; rename one`);
    byNumber.set(number, { ...found, [direction as "up" | "down"]: await readText(path, fileName) });
  }
  return [...byNumber].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, found]) => migrationOf(found, path));
}

interface FoundMigration {
  readonly id: string;
  readonly up?: string;
  readonly down?: string;
}

function migrationOf({ id, up, down }: FoundMigration, path: string): Migration {
  if (up === undefined) throw invalidFolder(path, `"${id}.down.sql" is there, and "${id}.up.sql" is not; add it`);
  return down === undefined ? { id, up } : { id, up, down };
}

async function readNames(path: string): Promise<string[]> {
  const names = await readdir(path).catch((error: unknown) => {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT" ? "there is no such folder; check the path" : `it cannot be read (${code})`;
    throw invalidFolder(path, reason, error);
  });
  return names.filter((name) => name.toLowerCase().endsWith(".sql")).sort();
}

async function readText(path: string, fileName: string): Promise<string> {
  try {
    // Drops a byte order mark, and refuses what is not UTF-8.
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(join(path, fileName)));
  } catch (error) {
    throw invalidFolder(path, `"${fileName}" cannot be read as UTF-8 text`, error);
  }
}

function invalidFolder(path: string, reason: string, cause?: unknown) {
  return invalidArgument("folder", `${path}: ${reason}`, cause);
}
