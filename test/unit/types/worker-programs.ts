// Programs that connect threads. They must compile whether the global MessagePort is that of Node or that of the DOM, whose
// types are there by default. The check of types is their test.
import type { MessagePort as NodePort, Worker } from "node:worker_threads";
import type { StreamFactory } from "async-streams";
import { connectStreams, exposeStreams } from "async-streams/worker";

/** A `MessagePort` as lib.dom.d.ts has it, without what it inherits twice. */
interface DOMPort {
  onmessage: ((this: DOMPort, event: { readonly data: unknown }) => unknown) | null;
  close(): void;
  postMessage(message: unknown, transfer: object[]): void;
  postMessage(message: unknown, options?: { transfer?: object[] }): void;
  start(): void;
  addEventListener(type: string, listener: (event: { readonly type: string }) => unknown): void;
  removeEventListener(type: string, listener: (event: { readonly type: string }) => unknown): void;
}

declare const streams: StreamFactory;
declare const port: NodePort | DOMPort;
declare const worker: Worker;

export async function connected(): Promise<void> {
  exposeStreams(streams, port);
  exposeStreams(streams, worker);
  await connectStreams(port);
  // @ts-expect-error no port
  await connectStreams({ postMessage: () => undefined });
}
