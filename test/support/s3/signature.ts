import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Who may make requests. */
export const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

const REGION = "test-region-1";

export { REGION };

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})$/;

/** What has to be signed, so that nobody changes it on the way. */
const MUST_BE_SIGNED = ["host", "x-amz-content-sha256", "x-amz-date"];

/**
 * Checks a request as AWS documents it ("Create a signed AWS API request"), with nothing of the client's code.
 *
 * @returns the code of what is wrong with it; null if nothing is
 */
export function signatureProblem(request: IncomingMessage, body: Buffer): string | null {
  const { authorization = "" } = request.headers;
  const [, accessKeyId, date = "", region = "", signedHeaders = "", signature] =
    AUTHORIZATION.exec(authorization) ?? [];
  if (signature === undefined) return "AuthorizationHeaderMalformed";
  if (accessKeyId !== CREDENTIALS.accessKeyId) return "InvalidAccessKeyId";
  if (region !== REGION) return "AuthorizationHeaderMalformed";
  const names = signedHeaders.split(";");
  const amazonHeaders = Object.keys(request.headers).filter((name) => name.startsWith("x-amz-"));
  if (![...MUST_BE_SIGNED, ...amazonHeaders].every((name) => names.includes(name))) return "AccessDenied";
  if (hash(body) !== request.headers["x-amz-content-sha256"]) return "XAmzContentSHA256Mismatch";
  const scope = `${date}/${region}/s3/aws4_request`;
  const text = ["AWS4-HMAC-SHA256", request.headers["x-amz-date"], scope, hash(canonical(request, names))].join("\n");
  const key = ["s3", "aws4_request"].reduce(hmac, hmac(hmac(`AWS4${CREDENTIALS.secretAccessKey}`, date), region));
  return hmac(key, text).toString("hex") === signature ? null : "SignatureDoesNotMatch";
}

function canonical(request: IncomingMessage, names: readonly string[]): string {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const parameters = query === "" ? [] : query.split("&").map((pair) => pair.split("="));
  const sorted = parameters
    .map(([name = "", value = ""]) => `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(value))}`)
    .sort();
  return [
    request.method,
    path
      .split("/")
      .map((segment) => encode(decodeURIComponent(segment)))
      .join("/"),
    sorted.join("&"),
    ...names.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    request.headers["x-amz-content-sha256"],
  ].join("\n");
}

function encode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

function hash(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
