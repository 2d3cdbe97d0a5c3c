import assert from "node:assert";
import { isUint8Array } from "node:util/types";
import type { EventShape, JsonObject, StoredEvent } from "../../protocols/index.js";
import { JsonLossError, shownPath, toJsonText } from "../validate/json-text.js";
import { frozen } from "./frozen.js";

/** An event in a test. */
export type TestEvent<E extends EventShape> = E extends EventShape
  ? {
      /** What happened. */
      readonly type: E["type"];
      /** The details. */
      readonly data: E["data"];
      /** Default: none. */
      readonly metadata?: object | undefined;
    }
  : never;

/** An event of whatever stream. */
export type AnyTestEvent = TestEvent<EventShape>;

export const TEST_STREAM = "test";
const FIRST_TIMESTAMP_MS = Date.UTC(2000, 0, 1);

/** The content of an event, as it comes back from a store. @throws AssertionError when it would not come back as it is */
export function storedContent(event: AnyTestEvent, what: string): AnyTestEvent {
  assert(typeof event === "object" && event !== null, `${what} is no event: ${String(event)}`);
  const { type, data, metadata } = event;
  assert(typeof type === "string" && type !== "", `${what} has no type`);
  const content = { type, data: isUint8Array(data) ? new Uint8Array(data) : roundTripped(data, "data", what) };
  if (metadata === undefined || metadata === null) return content;
  return { ...content, metadata: roundTripped(metadata, "metadata", what) as JsonObject };
}

/** The events of a test as a store would return them: numbered from 1, with ids and times that are always the same. */
export function storedEvents(events: readonly AnyTestEvent[], first: number): readonly StoredEvent[] {
  return events.map((event, index) => {
    const version = first + index;
    const { type, data, metadata = null } = storedContent(event, `event ${index}`);
    const digits = version.toString(16).padStart(12, "0");
    const stored = {
      id: `00000000-0000-7000-8000-${digits}`,
      streamId: TEST_STREAM,
      version,
      position: version,
      timestamp: new Date(FIRST_TIMESTAMP_MS + version),
      type,
      data,
      metadata: metadata as JsonObject | null,
    };
    return frozen(stored);
  });
}

function roundTripped(value: unknown, root: string, what: string): unknown {
  try {
    return JSON.parse(toJsonText(value, root));
  } catch (error) {
    if (!(error instanceof JsonLossError)) throw error;
    return assert.fail(`${what} cannot be stored: ${shownPath(error.path)}: ${error.message}`);
  }
}
