import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import type { S3Options } from "../../../adapters/s3/index.js";
import { CREDENTIALS, REGION, signatureProblem } from "./signature.js";
import { refuse, type StubAnswer, StubBucket, type StubRequest } from "./stub-bucket.js";

/** What goes wrong with a request. */
export type S3Fault =
  /** It is refused with a status and a code, and not carried out. */
  | { readonly kind: "refuse"; readonly status: number; readonly code: string }
  /** The connection breaks before it is carried out. */
  | { readonly kind: "drop" }
  /** It is carried out, and the connection breaks before the answer. */
  | { readonly kind: "lose" }
  /** The answer is 200, and its body says that it failed. */
  | { readonly kind: "refuse late"; readonly code: string }
  /** The connection breaks after so many bytes of the answer. */
  | { readonly kind: "cut"; readonly bytes: number }
  /** The answer ends after so many bytes as if it were whole. */
  | { readonly kind: "shorten"; readonly bytes: number }
  /** Nothing comes after so many bytes of the answer, and the connection stays open. */
  | { readonly kind: "stall"; readonly bytes: number }
  /** The answer begins at once, and the rest of it comes when whoever asked could have gone away. */
  | { readonly kind: "late" }
  /** There is no answer. */
  | { readonly kind: "hang" }
  /** Something else is done first. */
  | { readonly kind: "first"; readonly action: () => void };

/** A request that came in. */
export interface SeenRequest extends Omit<StubRequest, "body"> {
  /** Such as `PUT k`, `POST k uploads` or `GET k bytes=0-1`. */
  readonly name: string;
  readonly bodyBytes: number;
}

const BUCKET = "test-bucket";

/** A small S3 for the tests, which checks signatures and fails on purpose. It has one bucket. */
export class S3Stub implements AsyncDisposable {
  readonly bucket = new StubBucket();
  /** In the order in which they came in. */
  readonly requests: SeenRequest[] = [];
  /** Decides what goes wrong with a request. */
  faultOf: (request: SeenRequest) => S3Fault | undefined = () => undefined;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  static async start(): Promise<S3Stub> {
    const stub = new S3Stub();
    stub.#server.listen(0, "127.0.0.1");
    await once(stub.#server, "listening");
    return stub;
  }

  get options(): S3Options & { readonly endpoint: string } {
    const { port } = this.#server.address() as AddressInfo;
    return { endpoint: `http://127.0.0.1:${port}`, bucket: BUCKET, region: REGION, credentials: CREDENTIALS };
  }

  /** The names of the requests that came in. */
  get names(): string[] {
    return this.requests.map(({ name }) => name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "", "http://stub");
    const [, bucket, ...segments] = url.pathname.split("/");
    const request = {
      method: incoming.method ?? "",
      key: decodeURIComponent(segments.join("/")),
      query: url.searchParams,
      headers: incoming.headers,
    };
    const body = await buffer(incoming).catch(() => undefined);
    if (body === undefined) return;
    const seen = { ...request, name: nameOf(request), bodyBytes: body.length };
    this.requests.push(seen);
    const fault = this.faultOf(seen);
    if (fault?.kind === "drop") return void incoming.socket.destroy();
    if (fault?.kind === "hang") return;
    if (fault?.kind === "first") fault.action();
    const problem = signatureProblem(incoming, body);
    const answer = this.#decide(bucket, { ...request, body }, problem, fault);
    if (fault?.kind === "lose") return void incoming.socket.destroy();
    send(response, request.method, answer, fault);
  }

  #decide(
    bucket: string | undefined,
    request: StubRequest,
    problem: string | null,
    fault: S3Fault | undefined,
  ): StubAnswer {
    if (fault?.kind === "refuse") return refuse(fault.status, fault.code);
    if (fault?.kind === "refuse late") return { ...refuse(200, fault.code), status: 200 };
    if (problem !== null) return refuse(403, problem);
    if (bucket !== BUCKET) return refuse(404, "NoSuchBucket");
    return this.bucket.answer(request);
  }
}

function send(response: ServerResponse, method: string, answer: StubAnswer, fault: S3Fault | undefined): void {
  const { status, headers = {} } = answer;
  const body = Buffer.from(answer.body ?? "");
  if (fault?.kind === "shorten") {
    // Without a length, the end of the answer is the end of the body.
    response.writeHead(status, headers).end(body.subarray(0, fault.bytes));
    return;
  }
  response.writeHead(status, { ...headers, ...(status === 204 ? {} : { "content-length": body.length }) });
  if (fault?.kind === "cut") response.write(body.subarray(0, fault.bytes), () => response.destroy());
  else if (fault?.kind === "stall") response.write(body.subarray(0, fault.bytes));
  else if (fault?.kind === "late")
    response.write(body.subarray(0, 1), () => setImmediate(() => response.end(body.subarray(1))));
  else response.end(method === "HEAD" ? undefined : body);
}

function nameOf({ method, key, query, headers }: Omit<StubRequest, "body">): string {
  const parameters = [...query].map(([name, value]) => (name === "partNumber" ? `part ${value}` : name));
  return [method, key, ...parameters.filter((name) => name !== "uploadId"), headers.range].filter(Boolean).join(" ");
}
