import { expect, test } from "vitest";
import type { NewEvent } from "../../protocols/index.js";
import { decodeEvent } from "../../src/adapter-kit/decode-event.js";

const PLACE = { streamId: "a", version: 1, position: 1, timestampMs: 0 };

function eventOf(data: Uint8Array): NewEvent {
  return { id: "1", idempotencyKey: null, type: "Written", data, metadata: null };
}

test("every event decoded from a Buffer has plain bytes of its own", () => {
  const stored = Buffer.from([1, 2, 3]);
  const first = decodeEvent(eventOf(stored), PLACE).data as Uint8Array;
  first.fill(0);

  expect(decodeEvent(eventOf(stored), PLACE).data).toStrictEqual(new Uint8Array([1, 2, 3]));
});
