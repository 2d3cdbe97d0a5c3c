import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** An object of the bucket. */
export interface StubObject {
  readonly body: Buffer;
  readonly etag: string;
  readonly contentType: string;
  readonly metadata: Readonly<Record<string, string>>;
}

interface StubUpload {
  readonly key: string;
  readonly headers: IncomingHttpHeaders;
  readonly parts: Map<number, { readonly body: Buffer; readonly etag: string }>;
}

/** An answer before it is sent. */
export interface StubAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
}

export interface StubRequest {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** No part but the last may be smaller. */
const MIN_PART_BYTES = 5 * 1024 * 1024;

/** What S3 does with requests, as far as a store of blobs uses it. */
export class StubBucket {
  readonly objects = new Map<string, StubObject>();
  readonly uploads = new Map<string, StubUpload>();
  /** Whether etags are the MD5 of the content, or what a service with keys of its own makes of them. */
  areEtagsMD5 = true;

  answer(request: StubRequest): StubAnswer {
    const { method, key, query } = request;
    if (key === "") return method === "GET" ? this.#list(query) : refuse(405, "MethodNotAllowed");
    if (method === "POST" && query.has("uploads")) return this.#begin(request);
    const uploadId = query.get("uploadId");
    if (uploadId !== null) return this.#inUpload(uploadId, request);
    if (method === "PUT") return this.#put(request);
    if (method === "DELETE") {
      this.objects.delete(key);
      return { status: 204 };
    }
    return this.#get(request);
  }

  #put({ key, headers, body }: StubRequest): StubAnswer {
    const found = this.objects.get(key);
    if (headers["if-none-match"] === "*" && found !== undefined) return refuse(412, "PreconditionFailed");
    if (headers["if-match"] !== undefined && headers["if-match"] !== found?.etag)
      return refuse(412, "PreconditionFailed");
    const problem = md5Problem(headers, body);
    if (problem !== null) return refuse(400, problem);
    const etag = this.#etagOf(body);
    this.objects.set(key, { body, etag, ...describedBy(headers) });
    return { status: 200, headers: { etag } };
  }

  #get({ method, key, headers }: StubRequest): StubAnswer {
    const found = this.objects.get(key);
    if (found === undefined) return refuse(404, "NoSuchKey");
    const { body, etag, contentType, metadata } = found;
    if (headers["if-match"] !== undefined && headers["if-match"] !== etag) return refuse(412, "PreconditionFailed");
    const described = { etag, "content-type": contentType, "accept-ranges": "bytes", ...metadata };
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "") ?? [];
    if (first === undefined || method === "HEAD") return { status: 200, headers: described, body };
    if (Number(first) >= body.length) return refuse(416, "InvalidRange");
    const end = last === "" ? body.length : Math.min(Number(last) + 1, body.length);
    const range = `bytes ${first}-${end - 1}/${body.length}`;
    return { status: 206, headers: { ...described, "content-range": range }, body: body.subarray(Number(first), end) };
  }

  #begin({ key, headers }: StubRequest): StubAnswer {
    const uploadId = randomUUID();
    this.uploads.set(uploadId, { key, headers, parts: new Map() });
    const xml = `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`;
    return { status: 200, body: xml };
  }

  #inUpload(uploadId: string, { method, key, query, headers, body }: StubRequest): StubAnswer {
    const upload = this.uploads.get(uploadId);
    if (upload?.key !== key) return refuse(404, "NoSuchUpload");
    if (method === "DELETE") {
      this.uploads.delete(uploadId);
      return { status: 204 };
    }
    if (method === "POST") return this.#complete(uploadId, upload, body.toString());
    const problem = md5Problem(headers, body);
    if (problem !== null) return refuse(400, problem);
    const etag = this.#etagOf(body);
    upload.parts.set(Number(query.get("partNumber")), { body, etag });
    return { status: 200, headers: { etag } };
  }

  #complete(uploadId: string, { key, headers, parts }: StubUpload, xml: string): StubAnswer {
    const listed = [...xml.matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag>/g)];
    const bodies: Buffer[] = [];
    for (const [index, [, number, etag = ""]] of listed.entries()) {
      const part = parts.get(Number(number));
      if (part === undefined || part.etag !== etag.replaceAll("&quot;", '"')) return refuse(400, "InvalidPart");
      if (index < listed.length - 1 && part.body.length < MIN_PART_BYTES) return refuse(400, "EntityTooSmall");
      bodies.push(part.body);
    }
    const md5s = Buffer.concat(bodies.map((body) => createHash("md5").update(body).digest()));
    const etag = this.areEtagsMD5 ? `"${createHash("md5").update(md5s).digest("hex")}-${bodies.length}"` : randomEtag();
    this.objects.set(key, { body: Buffer.concat(bodies), etag, ...describedBy(headers) });
    this.uploads.delete(uploadId);
    // White space comes first, while the server puts the parts together.
    return {
      status: 200,
      body: `  \n<CompleteMultipartUploadResult><ETag>${escapeXML(etag)}</ETag></CompleteMultipartUploadResult>`,
    };
  }

  #list(query: URLSearchParams): StubAnswer {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token");
    const limit = Number(query.get("max-keys") ?? 1_000);
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort(byBytes);
    const left =
      after === null ? keys : keys.filter((key) => byBytes(key, Buffer.from(after, "base64").toString()) > 0);
    const page = left.slice(0, limit);
    const contents = page.map((key) => {
      const { body, etag } = this.objects.get(key) as StubObject;
      const encoded = encodeURIComponent(key).replaceAll("%20", "+").replaceAll("%2F", "/");
      return `<Contents><Key>${encoded}</Key><ETag>${escapeXML(etag)}</ETag><Size>${body.length}</Size></Contents>`;
    });
    const isTruncated = left.length > page.length;
    const token = Buffer.from(page.at(-1) ?? "").toString("base64");
    const next = isTruncated ? `<NextContinuationToken>${token}</NextContinuationToken>` : "";
    const head = `<EncodingType>url</EncodingType><IsTruncated>${isTruncated}</IsTruncated>`;
    return {
      status: 200,
      body: `<?xml version="1.0"?><ListBucketResult>${head}${contents.join("")}${next}</ListBucketResult>`,
    };
  }

  #etagOf(body: Buffer): string {
    return this.areEtagsMD5 ? `"${createHash("md5").update(body).digest("hex")}"` : randomEtag();
  }
}

export function refuse(status: number, code: string): StubAnswer {
  return {
    status,
    body: `<?xml version="1.0"?><Error><Code>${code}</Code><Message>This is ${code}.</Message></Error>`,
  };
}

function randomEtag(): string {
  return `"${randomBytes(16).toString("hex")}"`;
}

function describedBy(headers: IncomingHttpHeaders): Pick<StubObject, "contentType" | "metadata"> {
  const metadata = Object.entries(headers).filter(([name]) => name.startsWith("x-amz-meta-"));
  return {
    contentType: headers["content-type"] ?? "binary/octet-stream",
    metadata: Object.fromEntries(metadata) as Record<string, string>,
  };
}

function md5Problem(headers: IncomingHttpHeaders, body: Buffer): string | null {
  const given = headers["content-md5"];
  return given === undefined || given === createHash("md5").update(body).digest("base64") ? null : "BadDigest";
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function escapeXML(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
