import { afterEach, describe, expect, test, vi } from "vitest";
import { type BlobStore, type S3Options, s3Blobs } from "../../../blobs.js";
import { allBytes, fingerprint, inPieces, someBytes } from "../../conformance/support/blob-bytes.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import type { StubObject } from "../../support/s3/stub-bucket.js";
import { type S3Fault, S3Stub, type SeenRequest } from "../../support/s3/stub-server.js";

// A server that does not answer is given up sooner.
const IDLE_TIMEOUT_MS = vi.hoisted(() => 700);
vi.mock("../../../src/limits.js", async (importOriginal) => ({
  ...(await importOriginal<object>()),
  S3_IDLE_TIMEOUT_MS: IDLE_TIMEOUT_MS,
}));

const PAUSE_MS = vi.hoisted(() => 20);

/** What is done when a pause between two attempts has begun. */
const pauses = vi.hoisted(() => ({ onBegun: (): void => undefined }));
vi.mock("node:timers/promises", async (importOriginal) => {
  const timers = await importOriginal<typeof import("node:timers/promises")>();
  return {
    ...timers,
    // How long it takes is up to a random number: nothing here depends on it.
    setTimeout: (_delayMs: number, ...args: [unknown, object]) => {
      const pause = timers.setTimeout(PAUSE_MS, ...args);
      pauses.onBegun();
      return pause;
    },
  };
});

afterEach(() => {
  pauses.onBegun = () => undefined;
});

const MIB = 1024 * 1024;
/** The smallest that S3 takes. */
const PART = 5 * MIB;
/** Two parts. */
const MANY_BYTES = PART + 7;
const ATTEMPTS = 5;

const SLOW_DOWN: S3Fault = { kind: "refuse", status: 503, code: "SlowDown" };

/** A fault for the first requests of some name. */
function firstOf(name: RegExp, fault: S3Fault, times = 1): (request: SeenRequest) => S3Fault | undefined {
  let left = times;
  return (request) => {
    if (!name.test(request.name) || left === 0) return undefined;
    left -= 1;
    return fault;
  };
}

async function read(blobs: BlobStore, key: string): Promise<string> {
  const found = await blobs.get(key);
  if (found === null) throw new Error(`there is no blob "${key}"`);
  return fingerprint(await allBytes(found.data));
}

async function openStub(faultOf?: (request: SeenRequest) => S3Fault | undefined, options: Partial<S3Options> = {}) {
  const stub = await S3Stub.start();
  if (faultOf !== undefined) stub.faultOf = faultOf;
  return { stub, blobs: s3Blobs({ ...stub.options, partBytes: PART, ...options }) };
}

describe("a put into S3", () => {
  test("takes one request where the blob fits into a part", async () => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    await blobs.put("k", inPieces(someBytes(PART), MIB));

    expect(stub.names).toEqual(["PUT k"]);
  });

  test("is made of parts where the blob is larger, and of no more than it needs", async () => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    await blobs.put("k", inPieces(someBytes(MANY_BYTES), MIB), { contentType: "image/png" });

    expect(stub.names).toEqual(["POST k uploads", "PUT k part 1", "PUT k part 2", "POST k"]);
    expect(stub.bucket.objects.get("k")?.contentType).toBe("image/png");
    expect(stub.requests.map(({ bodyBytes }) => bodyBytes).slice(1, 3)).toEqual([PART, 7]);
  });

  test("has parts of the size that was asked for", async () => {
    const { stub, blobs } = await openStub(undefined, { partBytes: 8 * MIB });
    await using _stub = stub;
    await blobs.put("k", someBytes(17 * MIB));

    expect(stub.requests.map(({ bodyBytes }) => bodyBytes).slice(1, 4)).toEqual([8 * MIB, 8 * MIB, MIB]);
    expect(await read(blobs, "k")).toBe(fingerprint(someBytes(17 * MIB)));
  });

  const passing: [string, S3Fault][] = [
    ["is asked to slow down", SLOW_DOWN],
    ["meets an internal error", { kind: "refuse", status: 500, code: "InternalError" }],
    ["has too many requests", { kind: "refuse", status: 429, code: "TooManyRequests" }],
    ["was too slow to send", { kind: "refuse", status: 400, code: "RequestTimeout" }],
    ["loses the connection", { kind: "drop" }],
    ["loses the answer", { kind: "lose" }],
    ["gets no answer", { kind: "hang" }],
  ];
  describe.each([
    ["a small blob", 3, /^PUT k$/],
    ["the beginning of a large one", MANY_BYTES, /uploads$/],
    ["a part of a large one", MANY_BYTES, /part 2$/],
    ["the end of a large one", MANY_BYTES, /^POST k$/],
  ])("of %s", (_what, size, name) => {
    test.each(passing)("succeeds when it %s, twice", async (_why, fault) => {
      const { stub, blobs } = await openStub(firstOf(name, fault, 2));
      await using _stub = stub;
      const { etag } = await blobs.put("k", inPieces(someBytes(size), MIB));

      expect(await blobs.stat("k")).toMatchObject({ size, etag });
      expect(await read(blobs, "k")).toBe(fingerprint(someBytes(size)));
      expect(stub.names.filter((seen) => name.test(seen)).length).toBe(3);
      // An upload whose id did not arrive cannot be aborted.
      expect(stub.bucket.uploads.size).toBe(fault.kind === "lose" && name.test("uploads") ? 2 : 0);
    });
  });

  test.each([
    ["beginning", /uploads$/],
    ["end", /^POST k$/],
  ])("of a large blob succeeds when the answer to its %s breaks off", async (_what, name) => {
    const { stub, blobs } = await openStub(firstOf(name, { kind: "cut", bytes: 10 }));
    await using _stub = stub;
    await blobs.put("k", someBytes(MANY_BYTES));

    expect(await read(blobs, "k")).toBe(fingerprint(someBytes(MANY_BYTES)));
  });

  test("of a large blob succeeds when the server fails late, with an answer that began well", async () => {
    const { stub, blobs } = await openStub(firstOf(/^POST k$/, { kind: "refuse late", code: "InternalError" }));
    await using _stub = stub;
    await blobs.put("k", someBytes(MANY_BYTES));

    expect(await read(blobs, "k")).toBe(fingerprint(someBytes(MANY_BYTES)));
  });

  test.each([
    ["a small blob", 3, /^PUT k$/],
    ["the beginning of a large one", MANY_BYTES, /uploads$/],
    ["a part of a large one", MANY_BYTES, /part 2$/],
    ["the end of a large one", MANY_BYTES, /^POST k$/],
  ])("of %s fails after some attempts, and leaves nothing", async (_what, size, name) => {
    const { stub, blobs } = await openStub((request) => (name.test(request.name) ? SLOW_DOWN : undefined));
    await using _stub = stub;
    stub.bucket.objects.set("k", (await storedObject(10)) as StubObject);

    expect(await failureOf(blobs.put("k", inPieces(someBytes(size), MIB)))).toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      retryable: true,
      message: expect.stringMatching(
        /^Cannot put blob "k" in http.*503 SlowDown: .*Nothing was changed. Try again later/,
      ),
    });
    expect(stub.names.filter((seen) => name.test(seen)).length).toBe(ATTEMPTS);
    expect(stub.bucket.uploads.size).toBe(0);
    expect(stub.bucket.objects.get("k")?.body.length).toBe(10);
  });

  test.each([
    ["a small blob", 3, /^PUT k$/],
    ["a large one", MANY_BYTES, /^POST k$/],
  ])("of %s says that its outcome is not known when all answers are lost", async (_what, size, name) => {
    // Somebody else has replaced the blob before it can be looked for.
    const other = (await storedObject(10)) as StubObject;
    const { stub, blobs } = await openStub((request) => {
      if (name.test(request.name)) return { kind: "lose" };
      return { kind: "first", action: () => stub.bucket.objects.set("k", other) };
    });
    await using _stub = stub;

    expect(await failureOf(blobs.put("k", someBytes(size)))).toMatchObject({
      code: "STORAGE_OUTCOME_UNKNOWN",
      retryable: true,
    });
  });

  test.each([
    ["a small blob", 3, /^PUT k$/, true],
    ["a large one", MANY_BYTES, /^POST k$/, true],
    ["a large one whose etag is no checksum", MANY_BYTES, /^POST k$/, false],
  ])("of %s succeeds when all answers are lost, and it is there", async (_what, size, name, areEtagsMD5) => {
    const { stub, blobs } = await openStub((request) => (name.test(request.name) ? { kind: "lose" } : undefined));
    await using _stub = stub;
    stub.bucket.areEtagsMD5 = areEtagsMD5;
    const { etag } = await blobs.put("k", someBytes(size));

    expect(await blobs.stat("k")).toMatchObject({ size, etag });
  });

  test("of a large blob that breaks off is aborted", async () => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    const breaking = async function* () {
      yield* inPieces(someBytes(2 * MANY_BYTES), MIB);
      throw new Error("out of paper");
    };
    await failureOf(blobs.put("k", breaking()));

    expect(stub.names.at(-1)).toBe("DELETE k");
    expect([stub.bucket.uploads.size, stub.bucket.objects.size]).toEqual([0, 0]);
  });

  test.each([
    ["a part is sent", { kind: "hang" }],
    ["an attempt is waited for", SLOW_DOWN],
  ] as [string, S3Fault][])("ends at once when it is aborted while %s, and leaves nothing", async (_when, fault) => {
    const aborting = new AbortController();
    const abort = (): void => aborting.abort(new Error("changed my mind"));
    const { stub, blobs } = await openStub((request) => {
      if (!/part 2/.test(request.name)) return undefined;
      if (fault.kind === "hang") abort();
      return fault;
    });
    await using _stub = stub;
    pauses.onBegun = abort;
    const putting = blobs.put("k", someBytes(MANY_BYTES), { signal: aborting.signal });

    expect(await failureOf(putting)).toBe(aborting.signal.reason);
    expect([stub.bucket.uploads.size, stub.bucket.objects.size]).toEqual([0, 0]);
    expect(stub.names.filter((name) => /part 2/.test(name))).toHaveLength(1);
  });

  test.each([
    ["arrives", undefined],
    ["comes late", { kind: "late" }],
  ] as [string, S3Fault | undefined][])(
    "that is aborted while its upload begins aborts that too, once the answer %s",
    async (_when, fault) => {
      const aborting = new AbortController();
      const { stub, blobs } = await openStub((request) => {
        if (!/uploads$/.test(request.name)) return undefined;
        aborting.abort(new Error("changed my mind"));
        return fault;
      });
      await using _stub = stub;

      const failure = await failureOf(blobs.put("k", someBytes(MANY_BYTES), { signal: aborting.signal }));
      expect(failure).toBe(aborting.signal.reason);
      expect(stub.names).toEqual(["POST k uploads", "DELETE k"]);
      expect([stub.bucket.uploads.size, stub.bucket.objects.size]).toEqual([0, 0]);
    },
  );

  test("that is aborted while its upload begins waits for one answer, and does not ask again", async () => {
    const aborting = new AbortController();
    const { stub, blobs } = await openStub(() => {
      aborting.abort(new Error("changed my mind"));
      return { kind: "hang" };
    });
    await using _stub = stub;

    const failure = await failureOf(blobs.put("k", someBytes(MANY_BYTES), { signal: aborting.signal }));
    expect(failure).toBe(aborting.signal.reason);
    expect(stub.names).toEqual(["POST k uploads"]);
  });

  test("that is aborted waits for its upload to be aborted, but only as long as for one answer", async () => {
    const aborting = new AbortController();
    const { stub, blobs } = await openStub((request) => {
      if (/part 2/.test(request.name)) aborting.abort(new Error("changed my mind"));
      return /part 2|^DELETE/.test(request.name) ? { kind: "hang" } : undefined;
    });
    await using _stub = stub;

    const failure = await failureOf(blobs.put("k", someBytes(MANY_BYTES), { signal: aborting.signal }));
    expect(failure).toBe(aborting.signal.reason);
    expect(stub.names.filter((name) => /^DELETE/.test(name))).toHaveLength(1);
  });

  test.each([
    ["a small blob", 3, /^PUT k$/],
    ["a large one", MANY_BYTES, /^POST k$/],
  ])("of %s is not interrupted in its last request", async (_what, size, name) => {
    const aborting = new AbortController();
    const { stub, blobs } = await openStub((request) => {
      if (name.test(request.name)) aborting.abort(new Error("too late"));
      return undefined;
    });
    await using _stub = stub;
    await blobs.put("k", someBytes(size), { signal: aborting.signal });

    expect(await read(blobs, "k")).toBe(fingerprint(someBytes(size)));
  });
});

async function storedObject(size: number): Promise<StubObject | undefined> {
  const { stub, blobs } = await openStub();
  await using _stub = stub;
  await blobs.put("k", someBytes(size, 9), { contentType: "text/plain" });
  return stub.bucket.objects.get("k");
}

describe("a blob in S3", () => {
  test("takes one request to be found and read, where it is small", async () => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    await blobs.put("k", someBytes(1_000));
    stub.requests.length = 0;
    await read(blobs, "k");

    expect(stub.names).toEqual(["GET k bytes=0-524287"]);
  });

  const broken: [string, S3Fault][] = [
    ["breaks off", { kind: "cut", bytes: MIB }],
    ["breaks off at once", { kind: "drop" }],
    ["ends too early", { kind: "shorten", bytes: MIB }],
    ["stops", { kind: "hang" }],
    ["stalls", { kind: "stall", bytes: MIB }],
    ["is refused for now", SLOW_DOWN],
  ];
  test.each(broken)("is read whole when its answer %s", async (_what, fault) => {
    const { stub, blobs } = await openStub(firstOf(/^GET k bytes=\d+-$/, fault, 2));
    await using _stub = stub;
    await blobs.put("k", someBytes(MANY_BYTES));

    expect(await read(blobs, "k")).toBe(fingerprint(someBytes(MANY_BYTES)));
  });

  test.each(broken)("is an error when its answer %s every time, never short bytes", async (_what, fault) => {
    const never = "bytes" in fault ? { ...fault, bytes: 0 } : fault;
    const { stub, blobs } = await openStub((request) => (/bytes=\d+-$/.test(request.name) ? never : undefined));
    await using _stub = stub;
    await blobs.put("k", someBytes(MANY_BYTES));

    expect(await failureOf(read(blobs, "k"))).toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      message: expect.stringMatching(/^Cannot get blob "k" in http/),
    });
  });

  test("is read with one answer by a reader who takes longer than a server may", async () => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    await blobs.put("k", someBytes(MANY_BYTES));
    const found = await blobs.get("k");
    stub.requests.length = 0;
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      for await (const _bytes of found?.data ?? []) vi.advanceTimersByTime(2 * IDLE_TIMEOUT_MS);
    } finally {
      vi.useRealTimers();
    }

    expect(stub.names).toHaveLength(1);
  });

  test.each([
    ["ends too early", { kind: "shorten", bytes: 10 }],
    ["breaks off", { kind: "cut", bytes: 10 }],
  ] as [string, S3Fault][])("that is small is read whole when its answer %s", async (_what, fault) => {
    const { stub, blobs } = await openStub(firstOf(/^GET k/, fault, 2));
    await using _stub = stub;
    await blobs.put("k", someBytes(1_000));

    expect(await read(blobs, "k")).toBe(fingerprint(someBytes(1_000)));
  });

  test("that is replaced while its answer breaks off is an error, never a mix", async () => {
    const { stub, blobs } = await openStub(firstOf(/^GET k bytes=\d+-$/, { kind: "cut", bytes: MIB }));
    await using _stub = stub;
    await blobs.put("k", someBytes(MANY_BYTES, 1));
    const found = await blobs.get("k");
    let isReplaced = false;
    const reading = (async () => {
      for await (const _bytes of found?.data ?? []) {
        if (!isReplaced) await blobs.put("k", someBytes(MANY_BYTES, 2));
        isReplaced = true;
      }
    })();

    expect(await failureOf(reading)).toMatchObject({ code: "BLOB_REPLACED", key: "k" });
  });

  test.each([
    ["small", 1_000],
    ["large", MANY_BYTES],
  ])("whose bytes are changed is never read to its end: a %s one", async (_what, size) => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    await blobs.put("k", someBytes(size));
    const { body } = stub.bucket.objects.get("k") as StubObject;
    body.writeUInt8(body.readUInt8(size - 1) ^ 1, size - 1);
    let received = 0;
    const reading = (async () => {
      for await (const bytes of (await blobs.get("k"))?.data ?? []) received += bytes.length;
    })();

    expect(await failureOf(reading)).toMatchObject({ code: "STORAGE_CORRUPT" });
    expect(received).toBeLessThan(size);
  });

  test("in parts is read where the server's etags are no checksums", async () => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    stub.bucket.areEtagsMD5 = false;
    const { etag } = await blobs.put("k", someBytes(MANY_BYTES));

    expect(await blobs.stat("k")).toMatchObject({ size: MANY_BYTES, etag });
    expect(await read(blobs, "k")).toBe(fingerprint(someBytes(MANY_BYTES)));
    expect(stub.bucket.uploads.size).toBe(0);
  });

  test("that others have stored is read too", async () => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    const body = Buffer.from(someBytes(MANY_BYTES));
    stub.bucket.objects.set("k", { body, etag: '"of others-9"', contentType: "text/plain", metadata: {} });

    expect(await blobs.stat("k")).toEqual({ size: MANY_BYTES, contentType: "text/plain", etag: "of others-9" });
    expect(await read(blobs, "k")).toBe(fingerprint(body));
  });
});

describe("a bucket", () => {
  test.each([
    ["that is not there", { bucket: "another-bucket" }, "STORAGE_NOT_FOUND", /404 NoSuchBucket.*check its name/],
    [
      "of which the secret is wrong",
      { credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wrong" } },
      "STORAGE_PERMISSION_DENIED",
      /403 SignatureDoesNotMatch.*Check the credentials/,
    ],
    ["in another region", { region: "elsewhere" }, "STORAGE_FAILED", /AuthorizationHeaderMalformed.*region/],
  ] as [string, Partial<S3Options>, string, RegExp][])(
    "%s says so at every call",
    async (_what, options, code, reason) => {
      const { stub, blobs } = await openStub(undefined, options);
      await using _stub = stub;
      const listing = async () => {
        for await (const _blob of blobs.list());
      };
      const calls = [
        () => blobs.put("k", someBytes(3)),
        () => blobs.get("k"),
        () => blobs.stat("k"),
        () => blobs.delete("k"),
        listing,
      ];
      for (const call of calls) {
        expect(await failureOf(call())).toMatchObject({
          code,
          message: expect.stringMatching(reason),
          retryable: false,
        });
      }
    },
  );

  test("takes credentials that change, with a token", async () => {
    const tokens = ["first", "second"];
    const { stub } = await openStub();
    await using _stub = stub;
    const { credentials } = stub.options as S3Options & { readonly credentials: object };
    const blobs = s3Blobs({
      ...stub.options,
      credentials: async () => ({
        ...(credentials as { accessKeyId: string; secretAccessKey: string }),
        sessionToken: tokens.shift() ?? "last",
      }),
    });
    await blobs.put("k", someBytes(3));
    await blobs.stat("k");

    expect(stub.requests.map(({ headers }) => headers["x-amz-security-token"])).toEqual(["first", "second"]);
  });

  test("that cannot be reached changes nothing, and says so", async () => {
    const { stub, blobs } = await openStub();
    await stub[Symbol.asyncDispose]();

    expect(await failureOf(blobs.put("k", someBytes(3)))).toMatchObject({
      code: "STORAGE_UNAVAILABLE",
      message: expect.stringMatching(/ECONNREFUSED.*Nothing was changed/),
    });
  });

  test("has no longer keys than 1,024 bytes", async () => {
    const { stub, blobs } = await openStub();
    await using _stub = stub;
    const key = "é".repeat(513);
    const calls = [
      () => blobs.put(key, someBytes(3)),
      () => blobs.get(key),
      () => blobs.stat(key),
      () => blobs.delete(key),
    ];
    for (const call of calls) {
      expect(await failureOf(call())).toMatchObject({ code: "INVALID_ARGUMENT", argument: "key" });
    }
    await blobs.put("é".repeat(512), someBytes(3));
    expect(stub.requests).toHaveLength(1);
  });

  const valid: S3Options = {
    endpoint: "https://s3.example.com",
    bucket: "b",
    credentials: { accessKeyId: "a", secretAccessKey: "s" },
  };
  test.each([
    ["endpoint", "s3.example.com"],
    ["endpoint", "ftp://s3.example.com"],
    ["endpoint", undefined],
    ["bucket", "a/b"],
    ["bucket", ""],
    ["region", ""],
    ["region", 7],
    ["credentials", undefined],
    ["credentials", { accessKeyId: "a" }],
    ["credentials", { accessKeyId: "a", secretAccessKey: "s", sessionToken: 7 }],
    ["partBytes", 1_000],
    ["partBytes", 2 ** 40],
    ["prefix", "a"],
  ])("is refused with a wrong %s: %j", (argument, value) => {
    expect(() => s3Blobs({ ...valid, [argument]: value } as S3Options)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", argument }),
    );
  });

  test("never shows its secret", () => {
    const credentials = { accessKeyId: "", secretAccessKey: "hidden" };
    expect(() => s3Blobs({ ...valid, credentials })).toThrow(expect.not.objectContaining({ message: /hidden/ }));
  });
});
