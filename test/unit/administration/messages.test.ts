import { describe, expect, test } from "vitest";
import { numbered, STORES, type Store } from "../consumers/support/stores.js";

const NUMBERS = [1, 2, 3, 4].map(numbered);

async function messageOf(failing: Promise<unknown>): Promise<string> {
  return failing.then(
    () => "nothing failed",
    (error: Error) => error.message,
  );
}

async function openFilled(open: () => Promise<Store>): Promise<Store> {
  const streams = await open();
  await (await streams.openStream("a")).write(NUMBERS);
  return streams;
}

describe.each(STORES)("what went wrong with a stream over %s", (_, open) => {
  test.each(["read", "watch"] as const)("a %s says whether its events were pruned or all deleted", async (call) => {
    await using streams = await openFilled(open);
    await using stream = await streams.openStream("a");
    const following = async () => {
      for await (const _ of stream[call]({ after: 1, filter: [{ field: "type", op: "=", value: "Other" }] })) break;
    };
    await streams.pruneStream("a", { before: 4 });
    const pruned = await messageOf(following());
    await streams.deleteStream("a");
    const deleted = await messageOf(following());

    expect(pruned).toMatch(new RegExp(`Cannot ${call} stream "a".* after version 1: the events up to version 3 were`));
    expect(pruned).toMatch(/Begin with a snapshot of version 3 or later, or after: 3\.$/);
    expect(deleted).toMatch(new RegExp(`Cannot ${call} stream "a".* after version 1: the stream was deleted`));
    expect(deleted).toMatch(/"@deleted", comes with after: 4\.$/);
    expect(deleted).not.toContain("snapshot");
  });

  test.each([
    ["a symbol", () => Symbol("a")],
    ["an object without a prototype", () => Object.create(null)],
    ["a proxy that cannot be looked at", revokedProxy],
  ])("a stream id that has no text is refused by every call: %s", async (_kind, makeId) => {
    await using streams = await open();
    const id = makeId();
    const refused = [
      () => streams.openStream(id),
      () => streams.describeStream(id),
      () => streams.setStreamMetadata(id, {}),
      () => streams.pruneStream(id, { before: 1 }),
      () => streams.deleteStream(id),
      () => streams.writeAll([{ streamId: id, events: NUMBERS }]),
      () => streams.transaction((tx) => tx.write(id, NUMBERS)),
      () => streams.transaction((tx) => tx.version(id)),
      () => streams.transaction((tx) => tx.read(id)[Symbol.asyncIterator]().next()),
    ];
    for (const call of refused)
      await expect(call).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "streamId" });
  });

  test("what is given for a stream id is named as callers know it", async () => {
    await using streams = await open();
    const handle = (await streams.openStream("a")) as never;
    const tx = await streams.transaction(async (it) => it as never);
    for (const [given, name] of [
      [handle, "a stream handle"],
      [tx, "a transaction"],
      [streams as never, "a store"],
    ] as const) {
      const message = expect.stringContaining(`invalid streamId: expected a non-empty string, got ${name}.`);
      await expect(streams.openStream(given)).rejects.toMatchObject({ message });
      await expect(streams.deleteStream(given)).rejects.toMatchObject({ message });
      await expect(streams.writeAll([{ streamId: given, events: NUMBERS }])).rejects.toMatchObject({ message });
    }
  });

  test("a conflict of metadata names the stream, and not the record that has it", async () => {
    await using streams = await openFilled(open);
    const { revision } = await streams.setStreamMetadata("a", { title: "A" });
    const changed = await messageOf(streams.setStreamMetadata("a", { title: "B" }, { expectedRevision: 0 }));
    await streams.setStreamMetadata("a", null);
    const removed = await messageOf(streams.setStreamMetadata("a", null, { expectedRevision: revision }));

    expect(changed).toMatch(/^Cannot set the metadata of stream "a"/);
    expect(changed).toContain(`expected revision 0 of it, and it has revision ${revision}: somebody else changed it.`);
    expect(removed).toContain(`expected revision ${revision} of it, and it has none`);
    expect(changed + removed).not.toContain("@streams");
  });

  test("a conflict of a deletion says that it was one", async () => {
    await using streams = await openFilled(open);
    const older = await messageOf(streams.deleteStream("a", { expectedVersion: 3 }));

    expect(older).toMatch(/^Cannot delete stream "a".*: expected version 3, found version 4\. Nothing was removed;/);
    expect((await streams.describeStream("a"))?.deleted).toBe(false);
  });

  test("a prune behind a snapshot says which one is missing, and what helps", async () => {
    await using streams = await openFilled(open);
    const prune = { before: 4, behindSnapshot: "sum@1" };
    const missing = await messageOf(streams.pruneStream("a", prune));
    await (await streams.openStream("a")).snapshot(3, { version: 2, projection: "sum@1" });
    const older = await messageOf(streams.pruneStream("a", prune));

    expect(missing).toMatch(
      /^Cannot prune stream "a".* before version 4: it has no snapshot "sum@1"\. Nothing was rem/,
    );
    expect(missing).toContain('Save a snapshot "sum@1" of version 3 or later, or remove the events with force: true.');
    expect(older).toContain('its newest snapshot "sum@1" is one of version 2. Nothing was removed.');
    expect(older).toContain("of version 3 or later, prune it before 3 at most, or");
  });
});

function revokedProxy() {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}
