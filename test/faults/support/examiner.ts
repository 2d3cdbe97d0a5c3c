import type { SQLiteOptions } from "../../../adapters/sqlite/index.js";
import type { VerifyProblem } from "../../../protocols/index.js";
import type { NodeProcess } from "../../support/node-process.js";
import { startFixture } from "./fixture.js";
import type { WholeContents } from "./whole-contents.js";

/** A place that a subscriber has been at. */
export interface WatchedPlace {
  readonly streamId: string;
  readonly after: number;
}

/** What the examiner is asked. */
export interface ExamineRequest {
  readonly path: string;
  readonly driver?: SQLiteOptions["driver"];
  /** Whether the events of a store that is called sound are read with the bare driver as well. */
  readonly isRaw?: boolean;
  /** Where subscribers go on from. */
  readonly watched?: readonly WatchedPlace[];
}

/** What came of each step: `"ok"`, `"none"` when it was not taken, the code of the library's error, or any other error. */
export interface Examination {
  readonly opening: string;
  /** Or `"problems"`. */
  readonly verifying: string;
  readonly problems: readonly VerifyProblem[];
  readonly reading: string;
  readonly contents: WholeContents | null;
  readonly rawEvents: readonly string[] | null;
  /** How a watch from each place begins: the library's code, or `"silence"`. */
  readonly watching: readonly string[];
  readonly closing: string;
}

/** Another process, which opens, verifies and reads stores one after the other. */
export class Examiner implements AsyncDisposable {
  readonly #process: NodeProcess = startFixture("examiner.ts");
  #answers = 0;

  async examine(request: ExamineRequest): Promise<Examination> {
    const wanted = this.#answers;
    this.#answers += 1;
    this.#process.say(JSON.stringify(request));
    await this.#process.waitFor(() => this.#process.lines.length > wanted);
    const line = this.#process.lines[wanted] as string;
    // A long run would keep every answer.
    this.#process.lines[wanted] = "";
    return JSON.parse(line) as Examination;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.finish();
  }
}
