import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import type { EventHooks } from "../../../src/view/event-hooks.js";
import { viewOf } from "../../../src/view/store-view.js";
import { describeStreamFactory } from "../../conformance/index.js";

/** They change nothing that anybody could see. */
const hooks: EventHooks = {
  beforeEncode: (candidate) => candidate,
  beforeAppend: (_streamId, events) => [...events],
  afterRead: async (events) => ({ events: events.map((event) => ({ ...event })) }),
  beforeSaveSnapshot: async (snapshot) => snapshot,
  afterLoadSnapshot: async (snapshot) => snapshot,
};

// A view is a store like any other.
describeStreamFactory({
  name: "a view of a store in memory",
  describe,
  test,
  expect,
  open: async () => viewOf(viewOf(memoryStreamFactory(), hooks), hooks),
});
