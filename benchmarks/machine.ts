import { existsSync, readFileSync } from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { open } from "sqlite";
import sqlite3 from "sqlite3";
import type { PostgresServer } from "../test/support/postgres-server.js";
import { PACKAGE_ROOT } from "./package-root.js";
import type { Subject } from "./subject.js";
import { fileSystemOf } from "./temp-folder.js";

/** What the figures depend on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGB: number;
  readonly os: string;
  readonly fileSystem: string;
  readonly node: string;
  readonly sqliteOf: Readonly<Record<string, string>>;
  /** Of the server that the run has started; null where it needed none. */
  readonly postgres: string | null;
  readonly packages: Readonly<Record<string, string>>;
}

export async function describeMachine(
  folder: string,
  subjects: readonly Subject[],
  server: PostgresServer | null,
): Promise<Machine> {
  const [cpu] = cpus();
  return {
    cpu: describeCpu(cpu?.model),
    cores: cpus().length,
    memoryGB: Math.round(totalmem() / 2 ** 30),
    os: `${type()} ${release()} ${arch()}`,
    fileSystem: await fileSystemOf(folder),
    node: process.version,
    sqliteOf: { sqlite3: await sqliteOfDriver(), "better-sqlite3": sqliteOfBetter() },
    postgres: server && (await versionOf(server)),
    packages: versionsOf(subjects),
  };
}

/** Some virtual machines give a bare number; the vendor is better than that. */
function describeCpu(model: string | undefined): string {
  if (model !== undefined && model.trim().length > 0 && model !== "unknown") return model.trim();
  const line = /^vendor_id\s*:\s*(.+)$/m.exec(existsSync("/proc/cpuinfo") ? readFileSync("/proc/cpuinfo", "utf8") : "");
  return line?.[1] ?? "unknown";
}

async function versionOf(server: PostgresServer): Promise<string> {
  const { rows } = await server.query("SELECT current_setting('server_version') AS version");
  return (rows[0] as { version: string }).version;
}

async function sqliteOfDriver(): Promise<string> {
  const database = await open({ filename: ":memory:", driver: sqlite3.Database });
  const row = await database.get<{ version: string }>("SELECT sqlite_version() AS version");
  await database.close();
  return row?.version ?? "unknown";
}

function sqliteOfBetter(): string {
  const database = new Database(":memory:");
  const version = database.prepare("SELECT sqlite_version()").pluck().get();
  database.close();
  return String(version);
}

/** The installed versions; a peer's own come first. */
function versionsOf(subjects: readonly Subject[]): Record<string, string> {
  const versions: Record<string, string> = { "async-streams": readVersion(PACKAGE_ROOT) };
  for (const { name, packages, isPeer } of subjects) {
    for (const needed of packages) {
      const folders = [join(PACKAGE_ROOT, "node_modules"), join(PACKAGE_ROOT, "benchmarks", "peers", "node_modules")];
      const found = (isPeer ? folders.reverse() : folders).find((folder) => existsSync(join(folder, needed)));
      if (found === undefined) continue;
      versions[isPeer ? `${needed} (${name})` : needed] = readVersion(join(found, needed));
    }
  }
  return versions;
}

function readVersion(folder: string): string {
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string };
  return version;
}
