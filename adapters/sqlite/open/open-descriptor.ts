import { fstatSync } from "node:fs";

/**
 * Names a file that a thread keeps open: the number of its descriptor, and what tells the file from every other that
 * may get the number later.
 *
 * All threads of a process see the same descriptors, and the system closes those of a process that ends. Node closes
 * those of a worker thread that ends or is terminated, and it does so last, after SQLite's connections were closed.
 */
export function describeDescriptor(descriptor: number): string {
  const { dev, ino, mtimeNs } = fstatSync(descriptor, { bigint: true });
  return `${descriptor}-${dev}-${ino}-${mtimeNs}`;
}

/** Whether a thread of this process still has the file open. */
export function isOpenInThisProcess(description: string): boolean {
  try {
    return describeDescriptor(Number.parseInt(description, 10)) === description;
  } catch {
    return false;
  }
}
