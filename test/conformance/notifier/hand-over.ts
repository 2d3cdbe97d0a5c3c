import { ALL_STREAM, type StreamBackend } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { nextTurn } from "../support/eventually.js";
import { Follower } from "../support/follower.js";
import { counted, countedUpTo, positionsOf, wholeNumbers } from "../support/sample-events.js";
import { append, readAll } from "../support/storage-calls.js";

const ROUNDS = 30;
const WRITERS = 4;

export function describeHandOver({ describe, test, expect, eventually }: Suite<StreamBackend>): void {
  /** Writes from several sides, and subscribes one follower after the other while that goes on. */
  async function followWhileWriting(backend: StreamBackend, streamId: string): Promise<readonly Follower[]> {
    const followers: Follower[] = [];
    const writers = wholeNumbers(1, WRITERS).map(async (writer) => {
      for (const round of wholeNumbers(1, ROUNDS)) {
        const target = streamId === ALL_STREAM ? `stream-${writer}` : streamId;
        await append(backend.storage, target, countedUpTo(1 + (round % 3)));
        if (writer === 1) followers.push(new Follower(backend, streamId, await backend.storage.getVersion(streamId)));
        if (round % 5 === 0) await nextTurn();
      }
    });
    await Promise.all(writers);
    return followers;
  }

  describe("a subscriber that comes while others write", () => {
    test("misses nothing of its stream, and is notified of nothing twice", async (backend) => {
      await backend.notifier.start();
      const followers = await followWhileWriting(backend, "a");
      const last = await backend.storage.getVersion("a");
      await eventually("all followers reach the end", () => followers.every((follower) => follower.place === last));
      await Promise.all(followers.map((follower) => follower.end()));

      for (const { places } of followers) expect(places).toEqual(wholeNumbers(places[0] as number, last));
    });

    test("misses nothing of @all, and is notified of nothing twice", async (backend) => {
      await backend.notifier.start();
      const followers = await followWhileWriting(backend, ALL_STREAM);
      const positions = positionsOf(await readAll(backend.storage, ALL_STREAM));
      await eventually("all followers reach the end", () =>
        followers.every((follower) => follower.place === positions.at(-1)),
      );
      await Promise.all(followers.map((follower) => follower.end()));

      for (const { places } of followers) {
        expect(places.slice(1)).toEqual(positions.filter((position) => position > (places[0] as number)));
      }
    });

    test("is notified of each event by and by, also when writes pause", async (backend) => {
      await backend.notifier.start();
      const follower = new Follower(backend, "a", 0);
      for (const number of wholeNumbers(1, 5)) {
        await append(backend.storage, "a", [counted(number)]);
        await eventually(`the follower reaches event ${number}`, () => follower.place === number);
      }
      await follower.end();

      expect(follower.places).toEqual([0, 1, 2, 3, 4, 5]);
    });
  });
}
