import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { registerIpc } from "../../../../examples/flowforge/index.js";
import type { IpcOptions } from "../../../../examples/flowforge/ipc/register-ipc.js";
import type { DbContext } from "../../../../examples/flowforge/ports.js";
import { compiledProgram } from "../../../support/compiled-program.js";

const PROGRAM = fileURLToPath(new URL("window-program.ts", import.meta.url));

/** What came of a request of a window. */
export type Outcome =
  | { readonly kind: "result"; readonly result: unknown }
  | { readonly kind: "error"; readonly error: Record<string, unknown> }
  | { readonly kind: "silence" };

/** A renderer: a process that has nothing but a channel to this one. */
export class WindowProcess implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(db: DbContext, options: IpcOptions = {}) {
    this.#child = fork(compiledProgram(PROGRAM), [], { execArgv: [], serialization: "advanced" });
    registerIpc(this.#child, db, options);
  }

  /** Lets the window run one of its scenarios. */
  async run(scenario: string, input: unknown = null): Promise<unknown> {
    this.#child.send({ scenario, input });
    for (;;) {
      const [message] = await once(this.#child, "message");
      if (message?.finished === scenario) return message.output;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
