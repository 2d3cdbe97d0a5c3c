import { mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { NodeProcess } from "../../support/node-process.js";
import type { FaultAnswer, FaultError, FaultRequest } from "../fixtures/faulty-disk-writer.js";
import { compileShim } from "./compile-shim.js";
import { type DiskFault, DiskFaultFile } from "./disk-fault.js";
import { startFixture } from "./fixture.js";
import { inspectContents } from "./inspect-contents.js";
import { StoreReader } from "./store-reader.js";

/** Which codes a caller may get. SQLite takes a failed read for damage, and a file that does not open for a closed one. */
const CODES: Readonly<Record<DiskFault["kind"], Readonly<Record<DiskFault["error"], readonly string[]>>>> = {
  write: { EIO: ["STORAGE_IO"], ENOSPC: ["STORAGE_FULL", "STORAGE_IO"] },
  sync: { EIO: ["STORAGE_IO"], ENOSPC: ["STORAGE_IO"] },
  open: {
    EIO: ["STORAGE_PERMISSION_DENIED", "STORAGE_IO"],
    ENOSPC: ["STORAGE_PERMISSION_DENIED", "STORAGE_IO", "STORAGE_FULL"],
  },
  truncate: { EIO: ["STORAGE_IO"], ENOSPC: ["STORAGE_IO"] },
  read: { EIO: ["STORAGE_IO", "STORAGE_CORRUPT"], ENOSPC: ["STORAGE_IO"] },
  remove: { EIO: ["STORAGE_IO"], ENOSPC: ["STORAGE_IO"] },
};

/** A process that writes to a disk that fails, and one that looks at what came of it. */
export class FaultyDisk implements AsyncDisposable {
  readonly #folder: string;
  readonly #writer: NodeProcess;
  readonly #reader = new StoreReader();
  #asked = 0;

  private constructor(folder: string, writer: NodeProcess) {
    this.#folder = folder;
    this.#writer = writer;
  }

  /** Starts the two in a folder, or says why this machine cannot. */
  static async start(folder: string): Promise<FaultyDisk | { readonly why: string }> {
    const shim = compileShim("faults", join(folder, "faults.so"));
    if ("why" in shim) return shim;
    // SQLite opens files by their real paths.
    const disk = join(await realpath(folder), "disk");
    const faultPath = join(folder, "fault");
    await mkdir(disk);
    await writeFile(faultPath, DiskFaultFile.EMPTY);
    const env = { ...shim.env, DISK_FOLDER: disk, DISK_FAULT: faultPath };
    return new FaultyDisk(disk, startFixture("faulty-disk-writer.ts", { args: [faultPath], env }));
  }

  /** Writes to a new store while the fault is there, and checks what was said and what is stored. */
  async meet(fault: DiskFault, isAtCheckpoint = false): Promise<FaultAnswer> {
    const wanted = this.#asked;
    this.#asked += 1;
    const path = join(this.#folder, "store.db");
    this.#writer.say(JSON.stringify({ path, fault, isAtCheckpoint } satisfies FaultRequest));
    await this.#writer.waitFor(() => this.#writer.lines.length > wanted);
    const answer = JSON.parse(this.#writer.lines[wanted] as string) as FaultAnswer;
    await this.#check(answer, fault, path);
    await rm(path);
    return answer;
  }

  async #check({ acknowledged, refused, errors }: FaultAnswer, fault: DiskFault, path: string): Promise<void> {
    const contents = await this.#reader.read(path);
    const stored = new Set(contents.rows.map(({ batch }) => batch));
    const findings = {
      ...inspectContents(contents, acknowledged),
      storedThoughRefused: refused.filter((batch) => stored.has(batch)),
      misnamed: errors.filter((error) => !isExpected(error, fault)),
      // What the disk kept of a write that failed is not known: then nothing is acknowledged before a new opening.
      writesAfterFailure: errors.some(isFailedWrite) && !refused.includes("afterwards") ? ["afterwards"] : [],
      notReopened: acknowledged.some(({ batch }) => batch === "reopened") ? [] : ["reopened"],
    };
    const wrong = Object.entries(findings).filter(([, list]) => list.length > 0);
    expect({ fault, wrong }).toEqual({ fault, wrong: [] });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.finish();
    await this.#reader[Symbol.asyncDispose]();
  }
}

function isExpected({ code = "" }: FaultError, { kind, error }: DiskFault): boolean {
  return code === "STORAGE_MUST_REOPEN" || CODES[kind][error].includes(code);
}

function isFailedWrite({ code, message }: FaultError): boolean {
  return code === "STORAGE_IO" && message.includes("Cannot write to stream");
}
