import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { constants } from "node:os";

/** The calls that can be made to fail, in the order of `disk/faults.c`. */
export const FAULT_KINDS = ["write", "sync", "open", "truncate", "read", "remove"] as const;

/** Which calls fail: those of a kind, from the `first` on, `times` of them. */
export interface DiskFault {
  readonly kind: (typeof FAULT_KINDS)[number];
  readonly first: number;
  readonly times: number;
  readonly error: "EIO" | "ENOSPC";
}

const FIELDS = 6;
const FIELD_BYTES = 4;
const COUNT_FIELD = 4;
const HITS_FIELD = 5;

/** The file that tells the shim of `disk/faults.c` what is to fail, and that it counts the calls in. */
export class DiskFaultFile implements Disposable {
  readonly #file: number;

  constructor(path: string) {
    this.#file = openSync(path, "r+");
  }

  /** The content of the file before any fault, which has to be there before a process loads the shim. */
  static readonly EMPTY = Buffer.alloc(FIELDS * FIELD_BYTES);

  arm({ kind, first, times, error }: DiskFault): void {
    this.#set([FAULT_KINDS.indexOf(kind) + 1, first, times, constants.errno[error], 0, 0]);
  }

  /** Lets every call through. */
  disarm(): { readonly count: number; readonly hits: number } {
    const state = Buffer.from(DiskFaultFile.EMPTY);
    readSync(this.#file, state, 0, state.length, 0);
    this.#set([0]);
    return {
      count: state.readInt32LE(COUNT_FIELD * FIELD_BYTES),
      hits: state.readInt32LE(HITS_FIELD * FIELD_BYTES),
    };
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
  }

  #set(fields: readonly number[]): void {
    writeSync(this.#file, Buffer.from(Int32Array.from(fields).buffer), 0, fields.length * FIELD_BYTES, 0);
  }
}
