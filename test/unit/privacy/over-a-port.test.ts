import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { protectPersonalData } from "../../../src/privacy/index.js";
import { connectStreams, exposeStreams } from "../../../src/worker/index.js";
import { customerTypes, dataOf, readAll, registered, writeTo } from "./support/customers.js";
import { MemoryKeys } from "./support/memory-keys.js";

test("a port carries what is sealed, and the worker opens it with a key store of its own", async () => {
  await using base = memoryStreamFactory();
  const keys = new MemoryKeys();
  const streams = protectPersonalData(base, customerTypes, keys, { keyTtlMs: 0 });
  const { port1, port2 } = new MessageChannel();
  using _exposed = exposeStreams(streams, port1);
  await using connected = await connectStreams(port2);
  const worker = protectPersonalData(connected, customerTypes, keys, { keyTtlMs: 0 });
  await writeTo(worker, "a", registered("ada", "ada@example.org"));
  const sealed = { "@sealed": 1, k: expect.any(String), c: expect.any(String) };
  expect(dataOf(await readAll(connected, "a"))).toMatchObject([{ email: sealed }]);
  expect(dataOf(await readAll(streams, "a"))).toMatchObject([{ email: "ada@example.org" }]);
  await worker.forget("ada");
  expect(dataOf(await readAll(streams, "a"))).toMatchObject([{ email: null }]);
  await expect(writeTo(worker, "a", registered("ada", "new@example.org"))).rejects.toMatchObject({
    code: "SUBJECT_FORGOTTEN",
    name: "SubjectForgottenError",
  });
});
