import type { IncomingMessage } from "node:http";
import { isStreamError } from "async-streams";
import { type Input, InvalidInput, OrderConflict } from "./order.js";

const MAX_BODY_LENGTH = 65_536;

/** What a request is answered with. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  /** Becomes the ETag, which the next request may send as If-Match. */
  readonly version?: number;
}

/** The request is not what the service takes. */
export class InvalidRequest extends Error {}

/** Another request had its key. */
export class KeyConflict extends Error {}

/** The address of a request, which may be any text. */
export function urlOf({ url = "/" }: IncomingMessage): URL {
  if (!URL.canParse(url, "http://localhost")) throw new InvalidRequest("the path is not one of a URL");
  return new URL(url, "http://localhost");
}

/** The object that a request has as its body. */
export async function inputOf(request: IncomingMessage): Promise<Input> {
  const text = await bodyOf(request);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Input;
  } catch {
    // Said below.
  }
  throw new InvalidRequest("the body must be a JSON object");
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  try {
    for await (const chunk of request.setEncoding("utf8")) {
      text += chunk;
      if (text.length > MAX_BODY_LENGTH) throw new InvalidRequest(`the body is longer than ${MAX_BODY_LENGTH}`);
    }
  } catch (error) {
    if (error instanceof InvalidRequest) throw error;
    // The client has gone, or was too slow for a service that stops. Nobody reads this answer.
    throw new InvalidRequest("the body is not complete", { cause: error });
  }
  return text;
}

/** The answer to a request that failed. What the client can do about it is in the status. */
export function answerToError(error: unknown): Answer {
  const body = { error: error instanceof Error ? error.message : String(error) };
  if (error instanceof InvalidInput || error instanceof InvalidRequest) return { status: 400, body };
  if (error instanceof OrderConflict || isStreamError(error, "CONCURRENCY_CONFLICT")) return { status: 409, body };
  // The library says so where two requests had the key at the same time.
  if (error instanceof KeyConflict || isStreamError(error, "IDEMPOTENCY_CONFLICT")) return { status: 422, body };
  if (isStreamError(error, "INVALID_ARGUMENT") || isStreamError(error, "INVALID_EVENT")) return { status: 400, body };
  if (isStreamError(error, "TIMEOUT")) {
    return { status: 503, body: { error: "the list does not have this position yet: try again later" } };
  }
  if (isStreamError(error) && error.code.startsWith("STORAGE_"))
    return { status: 503, body: { error: "try again later" } };
  console.error(error);
  return { status: 500, body: { error: "internal error" } };
}
