import { type IncomingMessage, request as requestHTTP } from "node:http";
import { request as requestHTTPS } from "node:https";
import { S3_IDLE_TIMEOUT_MS } from "../../src/limits.js";

/** A request as it goes out. */
export interface HTTPRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Makes a request, and returns its answer once that begins. Its body is read with {@link bodyOf}. */
export function makeRequest({ method, url, headers, body, signal }: HTTPRequest): Promise<IncomingMessage> {
  const start = url.protocol === "https:" ? requestHTTPS : requestHTTP;
  return new Promise((resolve, reject) => {
    const request = start(url, { method, headers, ...(signal === undefined ? {} : { signal }) }, (answer) => {
      request.setTimeout(0);
      resolve(answer);
    });
    request.setTimeout(S3_IDLE_TIMEOUT_MS, () => request.destroy(idleError()));
    // One that comes after the answer has begun is the body's too.
    request.on("error", reject);
    request.end(body);
  });
}

/**
 * The bytes of an answer. The server may not pause for long, and whoever reads may. What is not read is not waited for.
 *
 * @throws when the connection ends before the body does
 */
export async function* bodyOf(answer: IncomingMessage): AsyncGenerator<Uint8Array, void> {
  const bytes = answer[Symbol.asyncIterator]();
  try {
    while (true) {
      const { value, done } = await nextInTime(answer, bytes);
      if (done === true) return;
      yield value as Uint8Array;
    }
  } finally {
    answer.destroy();
  }
}

/** What comes next of an answer, which breaks when nothing comes. */
async function nextInTime(
  answer: IncomingMessage,
  bytes: AsyncIterator<unknown>,
): Promise<IteratorResult<unknown, unknown>> {
  const timer = setTimeout(() => answer.destroy(idleError()), S3_IDLE_TIMEOUT_MS);
  try {
    return await bytes.next();
  } finally {
    clearTimeout(timer);
  }
}

/** @throws when it is longer than expected */
export async function wholeBody(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of bodyOf(answer)) {
    length += piece.length;
    if (length > maxBytes) throw new Error(`the answer has more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function idleError(): Error {
  return new Error(`nothing came for ${S3_IDLE_TIMEOUT_MS / 1_000} seconds`);
}
