import { once } from "node:events";
import { MessageChannel } from "node:worker_threads";
import type { StreamFactory } from "async-streams";
import { exposeStreams } from "async-streams/worker";
import { startThread } from "../child-program.js";
import type { Totals } from "./activity.js";
import type { FromProjector, ProjectorData, ToProjector } from "./projector-messages.js";

export interface ProjectorOptions {
  /** The file of the read models. */
  readonly path: string;
  /** Called with the newest totals, as often as this thread comes to it. */
  onChange(totals: Totals): void;
}

export interface Projector extends AsyncDisposable {
  /** Resolves once everything up to a position is projected. */
  whenProcessed(position: number): Promise<void>;
}

/** Starts a worker thread that projects the events of a store. */
export function startProjector(streams: StreamFactory, { path, onChange }: ProjectorOptions): Projector {
  const { port1, port2 } = new MessageChannel();
  const exposed = exposeStreams(streams, port1);
  const workerData: ProjectorData = { port: port2, path };
  const worker = startThread("projector/projector-worker", { workerData, transferList: [port2] });
  const ended = new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", () => resolve());
  });
  const endedEarly = ended.then(() => {
    throw new Error("The projector has ended.");
  });
  // Whoever waits for it gets the error.
  endedEarly.catch(() => undefined);
  const post = (message: ToProjector) => worker.postMessage(message);
  worker.on("message", (message: FromProjector) => {
    if (message.kind !== "changed") return;
    onChange(message.totals);
    post({ kind: "taken" });
  });
  return {
    async whenProcessed(position) {
      post({ kind: "process", position });
      for (;;) {
        const [message] = (await Promise.race([once(worker, "message"), endedEarly])) as [FromProjector];
        if (message.kind === "processed" && message.position >= position) return;
      }
    },
    async [Symbol.asyncDispose]() {
      post({ kind: "close" });
      await ended;
      exposed[Symbol.dispose]();
    },
  };
}
