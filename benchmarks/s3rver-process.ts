import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { S3Options } from "async-streams/blobs";
import { PACKAGE_ROOT } from "./package-root.js";

const SERVER = `
  const S3rver = require("s3rver");
  const [directory] = process.argv.slice(1);
  const configureBuckets = [{ name: "bench" }];
  new S3rver({ port: 0, address: "127.0.0.1", silent: true, directory, configureBuckets })
    .run()
    .then(({ port }) => console.log(port));
`;

/** Starts a server that speaks S3, so that its memory is not that of the process which is measured. */
export async function startS3rver(directory: string): Promise<{ options: S3Options; stop: () => Promise<void> }> {
  const child = spawn(process.execPath, ["--eval", SERVER, directory], {
    cwd: PACKAGE_ROOT,
    stdio: ["ignore", "pipe", "ignore"],
  });
  const { value: port } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
  return {
    options: {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: "bench",
      credentials: { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" },
    },
    stop: async () => void child.kill(),
  };
}
