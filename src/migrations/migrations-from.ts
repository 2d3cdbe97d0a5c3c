import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import type { Migration } from "./migration.js";

/** A number of at most fifteen digits, which a date with its time has too, a name, and a direction. */
const FILE_NAME = /^((\d{1,15})_.+)\.(up|down)\.sql$/;

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
  const path = pathOf(folder);
  const byId = new Map<string, FoundMigration>();
  for (const fileName of await readNames(path)) {
    const [, id = "", digits = "", direction] = FILE_NAME.exec(fileName) ?? [];
    if (id === "") throw invalidFolder(path, `"${fileName}" is not named like 0001_name.up.sql or 0001_name.down.sql`);
    const found = byId.get(id) ?? { id, number: Number(digits) };
    byId.set(id, { ...found, [direction as "up" | "down"]: await readText(path, fileName) });
  }
  const ordered = [...byId.values()].sort((a, b) => a.number - b.number);
  return ordered.map((found, index) => {
    const before = ordered[index - 1];
    if (before?.number === found.number) {
      throw invalidFolder(path, `"${before.id}" and "${found.id}" have the same number`);
    }
    return migrationOf(found, path);
  });
}

interface FoundMigration {
  readonly id: string;
  readonly number: number;
  readonly up?: string;
  readonly down?: string;
}

function migrationOf({ id, up, down }: FoundMigration, path: string): Migration {
  if (up === undefined) throw invalidFolder(path, `"${id}.down.sql" is there, and "${id}.up.sql" is not`);
  return down === undefined ? { id, up } : { id, up, down };
}

function pathOf(folder: string | URL): string {
  if (typeof folder === "string" && folder !== "") return folder;
  if (folder instanceof URL && folder.protocol === "file:") return fileURLToPath(folder);
  throw invalidArgument("folder", `expected a path or the URL of a file, got ${describeValue(folder)}`);
}

async function readNames(path: string): Promise<string[]> {
  const names = await readdir(path).catch((error: unknown) => {
    throw invalidFolder(path, "it cannot be read", error);
  });
  return names.filter((name) => name.toLowerCase().endsWith(".sql"));
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
  return invalidArgument("folder", `the migrations in ${path}: ${reason}`, cause);
}
