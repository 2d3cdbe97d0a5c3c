import { isStreamError } from "async-streams";
import { objectOf } from "../checked-ports.js";
import { databaseClosed, FlowForgeError } from "../flowforge-error.js";
import type { DbContext } from "../ports.js";
import { isPlainObject } from "./check-json.js";
import { handlersOf } from "./handlers.js";
import type { MethodName, Response } from "./messages.js";
import { type IpcPort, Messages } from "./port.js";
import type { Publication } from "./publication.js";

/** Calls of one window that wait, run, or have an answer that the window has not read. Those beyond are refused. */
const MAX_PENDING = 512;
/** The same with the refusals. A window that reads none of them is cut off. */
const MAX_UNREAD = 65_536;

export interface IpcOptions {
  /** What the window can watch. Default: nothing. */
  readonly publication?: Publication | undefined;
  /** Called with errors that the window is not told. Default: nothing. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The calls of a window are answered until it is closed, or the window goes away. Those that wait then are not run. */
export interface IpcRegistration extends Disposable {
  close(): void;
}

/**
 * Answers the calls of the window at the other end of a port, one after the other: each window has at most one call under way
 * in the database, so that none waits for more than one call of each other window.
 *
 * @throws FlowForgeError `INVALID_ARGUMENT` when an argument is none
 */
export function registerIpc(port: IpcPort, db: DbContext, options: IpcOptions = {}): IpcRegistration {
  const { publication, onError } = objectOf("options", options);
  const gone = new AbortController();
  const handlers = handlersOf(objectOf("db", db), publication, gone.signal);
  let pending = 0;
  let last: Promise<unknown> = Promise.resolve();
  const messages = new Messages(port, (message) => void answer(message), close);

  function close(): void {
    gone.abort();
    messages.close();
  }

  async function answer(message: unknown): Promise<void> {
    // What has no id can have no answer.
    if (!isPlainObject(message) || typeof message.id !== "number") return;
    const { id, method, args } = message;
    if (pending >= MAX_UNREAD) return close();
    pending += 1;
    try {
      if (pending > MAX_PENDING) await refuse(id, new FlowForgeError("BUSY", "Too many calls are under way."));
      // It waits for something that happens, which must not keep the other calls waiting.
      else if (method === "nextChange") await run(id, method, args);
      else {
        last = last.then(() => run(id, method, args));
        await last;
      }
    } finally {
      pending -= 1;
    }
  }

  async function run(id: number, method: unknown, args: unknown): Promise<void> {
    if (gone.signal.aborted) return;
    try {
      const handler = typeof method === "string" ? handlers.get(method as MethodName) : undefined;
      if (handler === undefined) throw new FlowForgeError("UNKNOWN_METHOD", "There is no such method.");
      const result = await handler(args);
      await messages.post({ id, result: result ?? null } satisfies Response);
    } catch (error) {
      await refuse(id, error);
    }
  }

  async function refuse(id: number, error: unknown): Promise<void> {
    if (!(error instanceof FlowForgeError)) onError?.(error);
    await messages.post({ id, error: publicError(error) } satisfies Response);
  }

  return { close, [Symbol.dispose]: close };
}

/** What a window learns of an error: no stack, no path, no statement of another. */
function publicError(error: unknown): { code: FlowForgeError["code"]; message: string } {
  if (error instanceof FlowForgeError) return { code: error.code, message: error.message };
  if (isStreamError(error, "STREAM_CLOSED")) return publicError(databaseClosed());
  if (isStreamError(error) && error.code.startsWith("INVALID_")) {
    return { code: "INVALID_ARGUMENT", message: "The database refused an argument." };
  }
  if (isStreamError(error, "STORAGE_FAILED")) {
    return { code: "QUERY_FAILED", message: "The database refused the statement." };
  }
  return { code: "INTERNAL", message: "The call failed." };
}
