import { homedir } from "node:os";
import { posix, win32 } from "node:path";

const APPLICATION = "WireTuner";

/** What the place of an application's files depends on. Tests give another one. */
export interface Platform {
  readonly name: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly homeFolder: string;
}

export function thisPlatform(): Platform {
  return { name: process.platform, env: process.env, homeFolder: homedir() };
}

/** The folder of the application's documents: by Apple's convention, by Microsoft's, and otherwise by XDG. */
export function dataFolder({ name, env, homeFolder }: Platform): string {
  switch (name) {
    case "darwin":
      return posix.join(homeFolder, "Library", "Application Support", APPLICATION);
    case "win32":
      return win32.join(env.APPDATA ?? win32.join(homeFolder, "AppData", "Roaming"), APPLICATION);
    default: {
      const { XDG_DATA_HOME: xdgFolder = "" } = env;
      // The specification has programs ignore a relative path.
      const base = posix.isAbsolute(xdgFolder) ? xdgFolder : posix.join(homeFolder, ".local", "share");
      return posix.join(base, APPLICATION);
    }
  }
}

/** A path as it is, if it is absolute, and otherwise in the data folder. */
export function resolveFilePath(filePath: string, platform: Platform): string {
  const path = platform.name === "win32" ? win32 : posix;
  return path.isAbsolute(filePath) ? path.normalize(filePath) : path.join(dataFolder(platform), filePath);
}
