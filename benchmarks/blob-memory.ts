// Streams a blob in and out of a store, and prints by how many MiB the process grew meanwhile:
// `npx tsx benchmarks/blob-memory.ts sqlite|files|s3 [MiB, default 1024]`. For S3 it starts s3rver in a process of its own,
// or uses the service whose options are given as JSON.
import { createHash, randomFillSync } from "node:crypto";
import { sqliteStreamFactory } from "async-streams";
import { type BlobStore, fileBlobs, s3Blobs, sqliteBlobs } from "async-streams/blobs";
import { startS3rver } from "./s3rver-process.js";
import { makeTempFolder } from "./temp-folder.js";

const MIB = 1024 * 1024;
const PIECE_BYTES = 64 * 1024;
const SAMPLE_INTERVAL_MS = 5;

const [kind = "", mebibytes = "1024", options] = process.argv.slice(2);
const size = Number(mebibytes) * MIB;

async function openStore(folder: string): Promise<{ blobs: BlobStore; close: () => Promise<void> }> {
  if (kind === "files") return { blobs: fileBlobs(`${folder}/blobs`), close: async () => undefined };
  if (kind === "s3") {
    if (options !== undefined) return { blobs: s3Blobs(JSON.parse(options)), close: async () => undefined };
    const server = await startS3rver(`${folder}/s3`);
    return { blobs: s3Blobs(server.options), close: server.stop };
  }
  if (kind !== "sqlite") throw new Error(`sqlite, files or s3, not "${kind}"`);
  const streams = await sqliteStreamFactory(`${folder}/store.db`);
  return { blobs: sqliteBlobs(streams), close: () => streams[Symbol.asyncDispose]() };
}

/** Bytes that cost little to make, and whose hash. */
async function* pieces(bytes: number, hash = createHash("sha256")): AsyncGenerator<Uint8Array, void> {
  const piece = randomFillSync(new Uint8Array(PIECE_BYTES));
  for (let left = bytes; left > 0; left -= PIECE_BYTES) {
    const part = piece.subarray(0, Math.min(left, PIECE_BYTES));
    part[0] = left / PIECE_BYTES;
    hash.update(part);
    yield part;
  }
}

async function hashOf(blobs: BlobStore, key: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const bytes of (await blobs.get(key))?.data ?? []) hash.update(bytes);
  return hash.digest("hex");
}

/** By how many MiB the process grows while something runs, at most. */
async function growthDuring(run: () => Promise<void>): Promise<number> {
  const before = process.memoryUsage.rss();
  let most = before;
  const sample = (): void => {
    most = Math.max(most, process.memoryUsage.rss());
  };
  const sampling = setInterval(sample, SAMPLE_INTERVAL_MS);
  try {
    await run();
  } finally {
    clearInterval(sampling);
  }
  sample();
  return (most - before) / MIB;
}

const { blobs, close } = await openStore(await makeTempFolder(undefined));
try {
  // What is loaded at the first use is no growth.
  await blobs.put("small", pieces(MIB));
  await hashOf(blobs, "small");
  const hash = createHash("sha256");
  const startedAtMs = performance.now();
  const putMiB = await growthDuring(async () => void (await blobs.put("k", pieces(size, hash))));
  const putAtMs = performance.now();
  let isSame = false;
  const expected = hash.digest("hex");
  const getMiB = await growthDuring(async () => {
    isSame = (await hashOf(blobs, "k")) === expected;
  });
  const report = {
    kind,
    mebibytes: size / MIB,
    isSame,
    putMiB: Math.round(putMiB),
    putSeconds: Number(((putAtMs - startedAtMs) / 1_000).toFixed(1)),
    getMiB: Math.round(getMiB),
    getSeconds: Number(((performance.now() - putAtMs) / 1_000).toFixed(1)),
  };
  console.log(JSON.stringify(report));
} finally {
  await close();
}
