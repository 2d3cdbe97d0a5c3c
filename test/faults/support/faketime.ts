import { existsSync } from "node:fs";

/** Where distributions put the library that moves a whole process's clock. */
const LIBRARIES = ["x86_64-linux-gnu", "aarch64-linux-gnu", "i386-linux-gnu", "arm-linux-gnueabihf", ""].map(
  (folder) => `/usr/lib/${folder}/faketime/libfaketime.so.1`,
);

const LIBRARY = LIBRARIES.find(existsSync);

/**
 * The environment of a process whose clock follows an offset in a file, such as `-3600`, while its monotonic clock and
 * its timers go on; undefined where libfaketime is not installed.
 */
export function faketimeEnvironment(offsetFile: string): NodeJS.ProcessEnv | undefined {
  if (LIBRARY === undefined) return undefined;
  return {
    LD_PRELOAD: LIBRARY,
    FAKETIME_TIMESTAMP_FILE: offsetFile,
    FAKETIME_NO_CACHE: "1",
    FAKETIME_DONT_FAKE_MONOTONIC: "1",
  };
}

/**
 * The environment of a process whose clocks and timers go so many times as fast as others; undefined where that needs
 * libfaketime, and it is not installed.
 */
export function fasterEnvironment(factor: number): NodeJS.ProcessEnv | undefined {
  if (factor === 1) return {};
  return LIBRARY === undefined ? undefined : { LD_PRELOAD: LIBRARY, FAKETIME: `+0 x${factor}` };
}
