import { MessageChannel } from "node:worker_threads";
import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { documents, runProjections } from "../../../projections.js";
import { connectStreams, exposeStreams } from "../../../src/worker/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";

/** What a write of a worker rejects with, where an inline projection of the store throws this. */
async function thrownInWorker(thrown: unknown): Promise<unknown> {
  const { port1, port2 } = new MessageChannel();
  await using store = memoryStreamFactory();
  exposeStreams(store, port1);
  await using streams = await connectStreams(port2);
  const failing = documents<null, { type: string; data: unknown }>({
    name: "failing",
    evolve: () => {
      throw thrown;
    },
  });
  await using _runner = await runProjections(store, [failing], { mode: "inline" });
  const a = await streams.openStream("a");
  return await failureOf(a.write({ type: "A", data: null }));
}

test("the errors of an AggregateError cross the port with it", async () => {
  const failure = await thrownInWorker(new AggregateError([new RangeError("one"), new Error("two")], "both failed"));

  expect(failure).toBeInstanceOf(AggregateError);
  expect(failure).toMatchObject({ message: "both failed", errors: [new RangeError("one"), new Error("two")] });
});

test("an error with a field that cannot be read crosses without it", async () => {
  const error = Object.assign(new RangeError("odd"), { code: "ODD" });
  const get = () => {
    throw new Error("no such field");
  };
  const failure = await thrownInWorker(Object.defineProperty(error, "broken", { enumerable: true, get }));

  expect(failure).toBeInstanceOf(RangeError);
  expect(failure).toMatchObject({ message: "odd", code: "ODD" });
  expect(failure).not.toHaveProperty("broken");
});

test("what tells nothing about itself crosses as an error that says so, and the worker goes on", async () => {
  const refuse = () => {
    throw new Error("not for you");
  };
  const traps = { get: refuse, has: refuse, getPrototypeOf: refuse, ownKeys: refuse, getOwnPropertyDescriptor: refuse };
  const silent = Object.defineProperty(new Error(""), "message", { get: refuse });
  for (const thrown of [new Proxy({}, traps), new Error("of it", { cause: new Proxy({}, traps) }), silent]) {
    expect(await thrownInWorker(thrown)).toBeInstanceOf(Error);
  }
});
