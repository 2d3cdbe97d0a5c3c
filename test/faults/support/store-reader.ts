import type { NodeProcess } from "../../support/node-process.js";
import { startFixture } from "./fixture.js";

/** What the reader is asked. */
export interface ReadRequest {
  readonly path: string;
  /** Opens the store with the library first, and writes a batch of this name. */
  readonly reopenAs?: string | undefined;
}

/** A stored event of a batch. */
export interface StoredRow {
  readonly streamId: string;
  readonly version: number;
  readonly position: number;
  readonly batch: string;
  readonly index: number;
  readonly size: number;
  readonly isIntact: boolean;
}

/** What a store holds, by position. */
export interface StoreContents {
  /** `"ok"`, or what is wrong with the file. */
  readonly integrity: string;
  /** What the library's own check found, where it has opened the store. */
  readonly problems: readonly string[];
  /** How many events are stored under a key that another event of the stream has. */
  readonly copies: number;
  readonly rows: readonly StoredRow[];
}

/** Another process, which looks into stores one after the other. */
export class StoreReader implements AsyncDisposable {
  readonly #process: NodeProcess = startFixture("store-reader.ts");
  #answers = 0;

  async read(path: string, reopenAs?: string): Promise<StoreContents> {
    const wanted = this.#answers;
    this.#answers += 1;
    this.#process.say(JSON.stringify({ path, reopenAs } satisfies ReadRequest));
    await this.#process.waitFor(() => this.#process.lines.length > wanted);
    const line = this.#process.lines[wanted] as string;
    // A long run would keep every answer.
    this.#process.lines[wanted] = "";
    return JSON.parse(line) as StoreContents;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.finish();
  }
}
