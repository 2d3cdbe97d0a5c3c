import { StorageError, type StorageErrorCode } from "../../protocols/index.js";

/** A request that failed, or was refused. */
export class S3Failure extends Error {
  override readonly name = "S3Failure";
  /** The status of the answer; 0 when there was none. */
  readonly status: number;
  /** S3's own code, such as `NoSuchKey`; empty where it gave none. */
  readonly code: string;
  /** Whether an earlier attempt may have been carried out without an answer. */
  wasMaybeDone = false;

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.code = code;
  }

  /** Whether the same request may succeed a little later. */
  get isRetryable(): boolean {
    if (this.status === 0 || this.status === 408 || this.status === 429) return true;
    if (this.status >= 500) return this.status !== 501 && this.status !== 507;
    return this.code === "RequestTimeout";
  }
}

interface Advice {
  readonly code: StorageErrorCode;
  readonly advice: string;
}

const BY_CODE: Readonly<Record<string, Advice>> = {
  NoSuchBucket: { code: "STORAGE_NOT_FOUND", advice: "Create the bucket, or check its name" },
  NoSuchUpload: { code: "STORAGE_OUTCOME_UNKNOWN", advice: "The blob may be stored. Get it, or put it again" },
  RequestTimeTooSkewed: { code: "STORAGE_PERMISSION_DENIED", advice: "Set the clock of this machine" },
  NotImplemented: { code: "STORAGE_UNSUPPORTED", advice: "Use a service that can do it" },
  PermanentRedirect: { code: "STORAGE_FAILED", advice: "Use the endpoint and the region of the bucket" },
  AuthorizationHeaderMalformed: { code: "STORAGE_FAILED", advice: "Use the region of the bucket" },
};

const BY_STATUS: Readonly<Record<number, Advice>> = {
  301: { code: "STORAGE_FAILED", advice: "Use the endpoint and the region of the bucket" },
  307: { code: "STORAGE_FAILED", advice: "Use the endpoint and the region of the bucket" },
  401: { code: "STORAGE_PERMISSION_DENIED", advice: "Check the credentials and what they may do" },
  403: { code: "STORAGE_PERMISSION_DENIED", advice: "Check the credentials and what they may do" },
  501: { code: "STORAGE_UNSUPPORTED", advice: "Use a service that can do it" },
  507: { code: "STORAGE_FULL", advice: "Free some space, and try again" },
};

/**
 * A failure as an error of the library.
 *
 * @param isChange - whether the request changes what others see, so that it matters if an attempt was carried out
 */
export function storageErrorOf(error: unknown, isChange: boolean): unknown {
  if (!(error instanceof S3Failure)) return error;
  const { code, advice } = adviceFor(error, isChange);
  return new StorageError(code, `${error.message}. ${advice}.`, { cause: error });
}

function adviceFor(failure: S3Failure, isChange: boolean): Advice {
  const known = BY_CODE[failure.code] ?? BY_STATUS[failure.status];
  if (known !== undefined) return known;
  if (!failure.isRetryable) return { code: "STORAGE_FAILED", advice: "Check the options and the bucket" };
  if (isChange && failure.wasMaybeDone) {
    return { code: "STORAGE_OUTCOME_UNKNOWN", advice: "It may have been done. Look, or do it again, which is safe" };
  }
  return { code: "STORAGE_UNAVAILABLE", advice: "Nothing was changed. Try again later" };
}

/** An answer of S3 that refuses a request. */
export function refusal(status: number, text: string): S3Failure {
  const code = /<Code>([^<]*)<\/Code>/.exec(text)?.[1] ?? "";
  const said = /<Message>([^<]*)<\/Message>/.exec(text)?.[1];
  const detail = said === undefined ? "" : `: ${said.replace(/\.$/, "")}`;
  return new S3Failure(status, code, `The server answered ${status}${code === "" ? "" : ` ${code}`}${detail}`);
}

/** Errors of a connection that was never made. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set(["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH"]);

/** A connection that could not be made, or broke. */
export function disconnection(cause: unknown): S3Failure {
  const { code, message } = cause as NodeJS.ErrnoException;
  const failure = new S3Failure(0, "", `The server could not be reached: ${message === "" ? code : message}`, {
    cause,
  });
  failure.wasMaybeDone = !NOT_CONNECTED.has(code);
  return failure;
}
