import { describe, expect, test } from "vitest";
import { STORES } from "../consumers/support/stores.js";

describe.each(STORES)("over %s", (_, open) => {
  test("records and the metadata of streams keep -0", async () => {
    await using streams = await open();
    const value = { zero: -0, list: [-0, { zero: 0 }] };
    await streams.transaction(async ({ records }) => {
      await records.put("s", "k", value);
      expect((await records.get("s", "k"))?.value).toStrictEqual(value);
    });
    const [listed] = await streams.transaction(({ records }) => records.list("s"));
    expect(listed?.value).toStrictEqual(value);

    await streams.setStreamMetadata("a", value);
    expect((await streams.describeStream("a"))?.metadata).toStrictEqual(value);
    for await (const { metadata } of streams.listStreams()) expect(metadata).toStrictEqual(value);
  });
});
