import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Compiles one of the libraries of `disk/` that stand between a process and the disk.
 *
 * @returns what makes a process load it, or why this machine cannot.
 */
export function compileShim(name: "recorder" | "faults", target: string): { env: NodeJS.ProcessEnv } | { why: string } {
  if (process.platform !== "linux") return { why: "it needs Linux" };
  const source = fileURLToPath(new URL(`disk/${name}.c`, import.meta.url));
  try {
    execFileSync("cc", ["-O1", "-shared", "-fPIC", "-o", target, source, "-ldl", "-lpthread"], { stdio: "ignore" });
  } catch {
    return { why: "it needs a C compiler (cc) with glibc's headers" };
  }
  // Calls that the kernel takes from a ring would go past the library.
  return { env: { LD_PRELOAD: target, UV_USE_IO_URING: "0" } };
}
