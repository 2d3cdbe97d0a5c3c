import { S3_PART_BYTES } from "../../src/limits.js";
import { checkOptions, invalidArgument, type OptionNames } from "../../src/validate/check-arguments.js";
import { describeValue } from "../../src/validate/json-text.js";

/** What requests are signed with. */
export interface S3Credentials {
  /** Says who makes the requests. */
  readonly accessKeyId: string;
  /** Proves it. It is in no message and in no request. */
  readonly secretAccessKey: string;
  /** Of temporary credentials. Default: none. */
  readonly sessionToken?: string | undefined;
}

/** The options of `s3Blobs`. */
export interface S3Options {
  /** Where the service is, such as `https://s3.eu-central-1.amazonaws.com`. The bucket is a part of the path. */
  readonly endpoint: string | URL;
  /** It has to exist. */
  readonly bucket: string;
  /** Default `"us-east-1"`, which most services take that have no regions. */
  readonly region?: string | undefined;
  /** Or a function that returns them: it is called for each request, so that they may change. */
  readonly credentials: S3Credentials | (() => S3Credentials | Promise<S3Credentials>);
  /**
   * The size of the parts in which a blob is stored, in bytes. A put holds two of them in memory, and a blob has 10,000 of
   * them at most. Default 8 MiB (`S3_PART_BYTES`), at least 5 MiB, at most 1 GiB.
   */
  readonly partBytes?: number | undefined;
}

/** The options, checked and complete. */
export interface S3Settings {
  /** Of the bucket, without a slash at its end. */
  readonly bucketURL: string;
  readonly region: string;
  readonly credentials: () => Promise<S3Credentials>;
  readonly partBytes: number;
}

const OPTIONS: OptionNames<S3Options> = {
  endpoint: true,
  bucket: true,
  region: true,
  credentials: true,
  partBytes: true,
};

const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$/;
const MIN_PART_BYTES = 5 * 1024 * 1024;
const MAX_PART_BYTES = 1024 ** 3;

/** @throws InvalidArgumentError */
export function parseS3Options(options: S3Options): S3Settings {
  checkOptions(options, OPTIONS);
  const { bucket, region = "us-east-1", credentials, partBytes = S3_PART_BYTES } = options;
  if (typeof bucket !== "string" || !BUCKET.test(bucket)) {
    throw invalidArgument("bucket", `expected the name of a bucket, got ${describeValue(bucket)}`);
  }
  if (typeof region !== "string" || region === "") {
    throw invalidArgument("region", `expected the name of a region, got ${describeValue(region)}`);
  }
  if (!Number.isInteger(partBytes) || partBytes < MIN_PART_BYTES || partBytes > MAX_PART_BYTES) {
    const expected = `expected ${MIN_PART_BYTES} to ${MAX_PART_BYTES} bytes`;
    throw invalidArgument("partBytes", `${expected}, got ${describeValue(partBytes)}`);
  }
  if (typeof credentials !== "function") checkCredentials(credentials);
  const current = async (): Promise<S3Credentials> => {
    const given = typeof credentials === "function" ? await credentials() : credentials;
    checkCredentials(given);
    return given;
  };
  return { bucketURL: `${parseEndpoint(options.endpoint)}/${bucket}`, region, credentials: current, partBytes };
}

function parseEndpoint(endpoint: unknown): string {
  const isAddress = (typeof endpoint === "string" || endpoint instanceof URL) && URL.canParse(String(endpoint));
  const url = isAddress ? new URL(String(endpoint)) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:") || url.search !== "") {
    const got = endpoint instanceof URL ? endpoint.href : describeValue(endpoint);
    throw invalidArgument(
      "endpoint",
      `expected an address such as "https://s3.eu-central-1.amazonaws.com", got ${got}`,
    );
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, "")}`;
}

// What is wrong with a secret is said without showing it.
function checkCredentials(credentials: unknown): asserts credentials is S3Credentials {
  const { accessKeyId, secretAccessKey, sessionToken } = Object(credentials) as Partial<S3Credentials>;
  const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
  if (isText(accessKeyId) && isText(secretAccessKey) && (sessionToken === undefined || isText(sessionToken))) return;
  throw invalidArgument(
    "credentials",
    "expected { accessKeyId, secretAccessKey, sessionToken? }, each a non-empty string",
  );
}
