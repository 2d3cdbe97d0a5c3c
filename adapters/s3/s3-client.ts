import type { IncomingMessage } from "node:http";
import { setTimeout } from "node:timers/promises";
import { MAX_S3_ANSWER_BYTES, S3_ATTEMPTS } from "../../src/limits.js";
import { makeRequest, wholeBody } from "./http-request.js";
import { loadSigner } from "./load-aws4fetch.js";
import { disconnection, refusal, S3Failure } from "./s3-failure.js";
import type { S3Settings } from "./s3-options.js";

/** A request to the bucket, or to an object in it. */
export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Default: none; the request is to the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Of the body, as hexadecimal digits. Default: that of no body. */
  readonly sha256?: string;
  readonly signal?: AbortSignal | undefined;
  /** Whether the answer to an attempt is waited for although the signal is aborted: it has to be known. Default: false. */
  readonly awaitsAnswer?: boolean;
}

const SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const FIRST_PAUSE_MS = 100;
const MAX_CACHED_KEYS = 16;

/** Makes signed requests, and makes them again while the server is away or asks for patience. */
export class S3Client {
  readonly bucketURL: string;
  readonly #settings: S3Settings;
  /** The signing keys, one for each day and credentials. */
  readonly #signingKeys = new Map<string, ArrayBuffer>();

  constructor(settings: S3Settings) {
    this.#settings = settings;
    this.bucketURL = settings.bucketURL;
  }

  /**
   * Makes a request until one succeeds.
   *
   * @param take - takes the answer of a request that succeeded. What it throws is a reason to make the request again.
   * @throws S3Failure, or the signal's reason
   */
  async request<T>(request: S3Request, take: (answer: IncomingMessage) => Promise<T>): Promise<T> {
    let wasMaybeDone = false;
    for (let attempt = 1; ; attempt += 1) {
      const outcome = await this.#attempt(request, take);
      if (!(outcome instanceof S3Failure)) return outcome;
      wasMaybeDone ||= outcome.wasMaybeDone;
      outcome.wasMaybeDone = wasMaybeDone;
      if (!outcome.isRetryable || attempt === S3_ATTEMPTS) throw outcome;
      await pauseBefore(attempt + 1, request.signal);
    }
  }

  /** The text of the answer to a request that succeeded, and its headers. */
  call(request: S3Request): Promise<{ readonly text: string; readonly headers: IncomingMessage["headers"] }> {
    return this.request(request, async (answer) => {
      const text = (await wholeBody(answer, MAX_S3_ANSWER_BYTES)).toString();
      // A long call begins its answer before it knows how it ends.
      if (/<Error>\s*</.test(text)) throw refusal(500, text);
      return { text, headers: answer.headers };
    });
  }

  async #attempt<T>(request: S3Request, take: (answer: IncomingMessage) => Promise<T>): Promise<T | S3Failure> {
    const { signal, body, method, awaitsAnswer = false } = request;
    signal?.throwIfAborted();
    const { url, headers } = await this.#sign(request);
    try {
      const answer = await makeRequest({ method, url, headers, body, signal: awaitsAnswer ? undefined : signal });
      const { statusCode = 0 } = answer;
      if (statusCode >= 200 && statusCode < 300) return await take(answer);
      return refusal(statusCode, (await wholeBody(answer, MAX_S3_ANSWER_BYTES)).toString());
    } catch (error) {
      signal?.throwIfAborted();
      return error instanceof S3Failure ? error : disconnection(error);
    }
  }

  async #sign({ method, key, query = {}, headers = {}, body, sha256 = SHA256_OF_NOTHING }: S3Request) {
    const { region, credentials } = this.#settings;
    const Signer = await loadSigner();
    const { accessKeyId, secretAccessKey, sessionToken } = await credentials();
    if (this.#signingKeys.size >= MAX_CACHED_KEYS) this.#signingKeys.clear();
    const signed = await new Signer({
      method,
      url: this.#urlOf(key, query),
      headers: { ...headers, "x-amz-content-sha256": sha256 },
      service: "s3",
      region,
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      cache: this.#signingKeys,
    }).sign();
    const length = body === undefined ? {} : { "content-length": String(body.length) };
    return { url: signed.url, headers: { ...Object.fromEntries(signed.headers), ...length } };
  }

  #urlOf(key: string | undefined, query: Readonly<Record<string, string>>): string {
    const path = key === undefined ? "" : `/${key.split("/").map(encodeComponent).join("/")}`;
    const search = Object.entries(query).map(([name, value]) => `${name}=${encodeComponent(value)}`);
    return `${this.bucketURL}${path}${search.length === 0 ? "" : `?${search.join("&")}`}`;
  }
}

/** As RFC 3986 has it, which signatures are computed with. */
function encodeComponent(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`);
}

/** Waits before an attempt: longer each time, and not all at the same moment. */
export async function pauseBefore(attempt: number, signal?: AbortSignal): Promise<void> {
  const pauseMs = FIRST_PAUSE_MS * 2 ** (attempt - 2) * (0.5 + Math.random() / 2);
  await setTimeout(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => signal?.throwIfAborted());
}
