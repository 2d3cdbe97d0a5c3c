import { expect, test } from "vitest";
import { memoryStreamFactory } from "../../adapters/memory/index.js";
import { MAX_SNAPSHOT_BYTES, MAX_WRITE_EVENTS } from "../../src/limits.js";

test("a write of more events than one may hold is refused as a whole, before any of them is looked at", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("a");
  const events = new Array(MAX_WRITE_EVENTS + 1);

  await expect(stream.write(events)).rejects.toMatchObject({
    code: "INVALID_EVENT",
    eventIndex: MAX_WRITE_EVENTS,
    message: expect.stringMatching(/1000001 events are more than one write may hold \(1000000\); split it/),
  });
  expect(await stream.metrics()).toMatchObject({ eventCount: 0 });
});

test("a state that is larger than a snapshot may be is refused, and the snapshot before it stays", async () => {
  await using streams = memoryStreamFactory();
  const stream = await streams.openStream("a");
  await stream.snapshot("small");

  await expect(stream.snapshot(new Uint8Array(MAX_SNAPSHOT_BYTES + 1))).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "state",
    message: expect.stringMatching(/268435457 bytes are more than 268435456/),
  });
  expect(await stream.loadSnapshot()).toMatchObject({ state: "small" });
});
