import { readFileSync } from "node:fs";

/** One thing that happened to a file, as `disk/recorder.c` wrote it down. */
export interface DiskRecord {
  readonly operation: "write" | "truncate" | "sync" | "create" | "remove";
  /** The file's name in its folder; `"."` is the folder itself. */
  readonly name: string;
  /** Where the data was written, or the size that the file was cut to. */
  readonly offset: number;
  readonly data: Buffer;
}

const HEADER_BYTES = 16;
const OPERATIONS: Readonly<Record<string, DiskRecord["operation"]>> = {
  W: "write",
  T: "truncate",
  S: "sync",
  C: "create",
  U: "remove",
};

/** Reads a log, in the order in which things happened. */
export function readDiskLog(path: string): DiskRecord[] {
  const log = readFileSync(path);
  const records: DiskRecord[] = [];
  for (let start = 0; start < log.length; ) {
    const letter = String.fromCharCode(log.readUInt8(start));
    const operation = OPERATIONS[letter];
    if (operation === undefined) throw new Error(`the disk log has no record at byte ${start}`);
    const nameStart = start + HEADER_BYTES;
    const dataStart = nameStart + log.readUInt8(start + 1);
    const end = dataStart + log.readUInt32LE(start + 4);
    const offset = Number(log.readBigUInt64LE(start + 8));
    const name = log.toString("utf8", nameStart, dataStart);
    records.push({ operation, name, offset, data: log.subarray(dataStart, end) });
    start = end;
  }
  return records;
}
