import { existsSync } from "node:fs";

/** Where distributions put the library that moves a whole process's clock. */
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu", "i386-linux-gnu", "arm-linux-gnueabihf", ""].map(
  (folder) => `/usr/lib/${folder}/faketime/libfaketime.so.1`,
);

/**
 * The environment of a process whose clock follows an offset in a file, such as `-3600`, while its monotonic clock and
 * its timers go on; undefined where libfaketime is not installed.
 */
export function faketimeEnvironment(offsetFile: string): NodeJS.ProcessEnv | undefined {
  const library = LIBRARIES.find(existsSync);
  if (library === undefined) return undefined;
  return {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: offsetFile,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}
