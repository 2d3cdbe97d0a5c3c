import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../../index.js";
import { take } from "../../conformance/support/collect.js";
import { revoked } from "../../support/revoked.js";
import { STORES } from "../consumers/support/stores.js";

/** An object whose property cannot be read. */
function unreadable(property: string, thrown: unknown): JsonObject {
  return Object.defineProperty({}, property, {
    enumerable: true,
    get: () => {
      throw thrown;
    },
  });
}

describe.each(STORES)("over %s, what a getter throws is said of the call that read it:", (_, open) => {
  test.each([
    ["an error", new Error("on purpose")],
    ["what cannot be looked at", revoked()],
  ])("%s", async (__, thrown) => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    const [data, typeless] = [unreadable("balance", thrown), unreadable("type", thrown) as never];
    const ofEvent = (path: string) => ({
      code: "INVALID_EVENT",
      path,
      message: expect.stringMatching(
        /^Cannot write to stream "a".*event 0: reading it failed\. Nothing was written\.$/,
      ),
      cause: expect.any(Error),
    });
    await expect(stream.write({ type: "T", data })).rejects.toMatchObject(ofEvent("data"));
    await expect(stream.write(typeless)).rejects.toMatchObject(ofEvent(""));
    await expect(streams.writeAll([{ streamId: "a", events: typeless }])).rejects.toMatchObject(ofEvent(""));
    await expect(streams.transaction((tx) => tx.write("a", typeless))).rejects.toMatchObject(ofEvent(""));

    const refused = (call: string) => ({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(new RegExp(`^Cannot ${call}.*reading it failed`)),
      cause: expect.any(Error),
    });
    const put = streams.transaction(({ records }) => records.put("settings", "a", data));
    await expect(put).rejects.toMatchObject(refused("store a record"));
    const metadata = streams.setStreamMetadata("a", data);
    await expect(metadata).rejects.toMatchObject(refused('set the metadata of stream "a"'));
    expect(await streams.describeStream("a")).toBeNull();
  });

  test("an event, a list and options that cannot be looked at are refused as such", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    const nothing = revoked() as never;
    const event = { type: "T", data: null };
    const noEvent = { code: "INVALID_EVENT", path: "", message: expect.stringMatching(/event 0: reading it failed/) };
    await expect(stream.write(nothing)).rejects.toMatchObject(noEvent);
    await expect(stream.write([nothing])).rejects.toMatchObject(noEvent);
    await expect(streams.writeAll([{ streamId: "a", events: nothing }])).rejects.toMatchObject(noEvent);
    await expect(streams.transaction((tx) => tx.write("a", nothing))).rejects.toMatchObject(noEvent);

    const refused = { code: "INVALID_ARGUMENT", message: expect.stringMatching(/^Cannot .*: invalid \w+: /) };
    await expect(stream.write(event, nothing)).rejects.toMatchObject(refused);
    await expect(streams.writeAll(nothing)).rejects.toMatchObject(refused);
    await expect(streams.writeAll([], nothing)).rejects.toMatchObject(refused);
    await expect(streams.transaction(async () => undefined, nothing)).rejects.toMatchObject(refused);
    await expect(streams.pruneStream("a", nothing)).rejects.toMatchObject(refused);
    await expect(take(stream.read(nothing), 1)).rejects.toMatchObject(refused);
    expect(await streams.describeStream("a")).toBeNull();
  });
});
