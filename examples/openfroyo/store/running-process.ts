import { createHash } from "node:crypto";
import { hostname } from "node:os";

/** This machine: ids of processes mean nothing on another one. */
export const HOST: string = createHash("sha256").update(hostname()).digest("hex").slice(0, 8);

/** Whether a process of this machine is there. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
