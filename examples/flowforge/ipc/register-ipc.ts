import { isStreamError } from "async-streams";
import { FlowForgeError } from "../flowforge-error.js";
import type { DbContext } from "../ports.js";
import { isPlainObject } from "./check-json.js";
import { handlersOf } from "./handlers.js";
import type { MethodName, Response } from "./messages.js";
import { type IpcPort, Messages } from "./port.js";
import type { Publication } from "./publication.js";

/** Calls of one window that are under way. */
const MAX_PENDING = 512;

export interface IpcOptions {
  /** What the window can watch. Default: nothing. */
  readonly publication?: Publication | undefined;
  /** Called with errors that the window is not told. Default: nothing. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The calls of a window are answered until it is closed, or the window goes away. */
export interface IpcRegistration extends Disposable {
  close(): void;
}

/** Answers the calls of the window at the other end of a port. */
export function registerIpc(port: IpcPort, db: DbContext, { publication, onError }: IpcOptions = {}): IpcRegistration {
  const handlers = handlersOf(db, publication);
  let pending = 0;
  const messages = new Messages(
    port,
    (message) => void answer(message),
    () => undefined,
  );

  async function answer(message: unknown): Promise<void> {
    // What has no id can have no answer.
    if (!isPlainObject(message) || typeof message.id !== "number") return;
    const { id } = message;
    pending += 1;
    try {
      if (pending > MAX_PENDING) throw new FlowForgeError("BUSY", "Too many calls are under way.");
      const handler = typeof message.method === "string" ? handlers.get(message.method as MethodName) : undefined;
      if (handler === undefined) throw new FlowForgeError("UNKNOWN_METHOD", "There is no such method.");
      const result = await handler(message.args);
      messages.post({ id, result: result ?? null } satisfies Response);
    } catch (error) {
      if (!(error instanceof FlowForgeError)) onError?.(error);
      messages.post({ id, error: publicError(error) } satisfies Response);
    } finally {
      pending -= 1;
    }
  }

  const close = () => messages.close();
  return { close, [Symbol.dispose]: close };
}

/** What a window learns of an error: no stack, no path, no statement of another. */
function publicError(error: unknown): { code: FlowForgeError["code"]; message: string } {
  if (error instanceof FlowForgeError) return { code: error.code, message: error.message };
  if (isStreamError(error) && error.code.startsWith("INVALID_")) {
    return { code: "INVALID_ARGUMENT", message: "The database refused an argument." };
  }
  if (isStreamError(error, "STORAGE_FAILED"))
    return { code: "QUERY_FAILED", message: "The database refused the rows." };
  return { code: "INTERNAL", message: "The call failed." };
}
