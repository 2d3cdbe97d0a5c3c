import { homedir } from "node:os";
import { posix, win32 } from "node:path";
import { createDbContext } from "./create-db-context.js";
import type { SQLiteContext } from "./sqlite/sqlite-context.js";

/** Where the program runs. Tests give their own. */
export interface Platform {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The database of this user, in the folder where the platform keeps the data of applications. */
export function databasePath({ platform, env, home }: Platform = thisPlatform()): string {
  if (platform === "win32") {
    return win32.join(env.APPDATA ?? win32.join(home, "AppData", "Roaming"), "flowforge", "flowforge.db");
  }
  if (platform === "darwin") return posix.join(home, "Library", "Application Support", "flowforge", "flowforge.db");
  // By the XDG rules a relative path does not count.
  const { XDG_CONFIG_HOME = "" } = env;
  const folder = posix.isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : posix.join(home, ".config");
  return posix.join(folder, "flowforge", "flowforge.db");
}

/** Opens the database of this user, and makes it first where there is none. Call it when the program starts. */
export async function initDb(platform?: Platform): Promise<SQLiteContext> {
  return createDbContext({ path: databasePath(platform), backend: "sqlite" });
}

function thisPlatform(): Platform {
  return { platform: process.platform, env: process.env, home: homedir() };
}
