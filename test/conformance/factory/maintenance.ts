import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ALL_STREAM, type MaintainableStreamFactory, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { MAINTENANCE } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { countedUpTo } from "../support/sample-events.js";

/** A path that nothing has, and whatever a test has put there is removed behind it. */
async function withTarget(body: (path: string) => Promise<void>): Promise<void> {
  const path = join(tmpdir(), `async-streams-conformance-${crypto.randomUUID()}`);
  try {
    await body(path);
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function fill(streams: StreamFactory): Promise<void> {
  for (const streamId of ["a", "b"]) await (await streams.openStream(streamId)).write(countedUpTo(3));
}

export function describeMaintenance({ describe, testWith, expect }: Suite<StreamFactory>): void {
  describe("maintenance, where the store has it", () => {
    testWith(MAINTENANCE, "finds nothing damaged in an empty store", async (streams) => {
      expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 0, problems: [] });
    });

    testWith(MAINTENANCE, "checks every event that was written", async (streams) => {
      await fill(streams);

      expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 6, problems: [] });
    });

    testWith(MAINTENANCE, "copies every event that was written, and goes on", async (streams) => {
      await fill(streams);
      const all = await streams.openStream(ALL_STREAM);
      await withTarget(async (path) => {
        expect(await streams.backup(path)).toMatchObject({ events: 6, position: all.version });
      });
      expect((await (await streams.openStream("a")).write(countedUpTo(1))).version).toBe(4);
    });

    testWith(MAINTENANCE, "refuses to copy over something", async (streams) => {
      await withTarget(async (path) => {
        await streams.backup(path);

        expect(await failureOf(streams.backup(path))).toMatchObject({ code: "STORAGE_TARGET_EXISTS" });
      });
    });

    const calls: readonly (readonly [string, Call])[] = [
      ["verify", (streams, _, options) => streams.verify(options)],
      ["backup", (streams, path, options) => streams.backup(path, options)],
    ];
    for (const [name, call] of calls) {
      testWith(MAINTENANCE, `ends with the reason of a signal: ${name}`, async (streams) => {
        await fill(streams);
        const reason = new Error("changed my mind");
        await withTarget(async (path) => {
          const options = { signal: AbortSignal.abort(reason) };

          expect(await failureOf(call(streams, path, options))).toBe(reason);
        });
      });

      testWith(MAINTENANCE, `refuses an option that it does not know: ${name}`, async (streams) => {
        await withTarget(async (path) => {
          const error = await failureOf(call(streams, path, { unknown: true } as object));

          expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
        });
      });

      testWith(MAINTENANCE, `fails once the store is disposed of: ${name}`, async (streams) => {
        await streams[Symbol.asyncDispose]();
        await withTarget(async (path) => {
          expect(await failureOf(call(streams, path, {}))).toMatchObject({ code: "STREAM_CLOSED" });
        });
      });
    }
  });
}

type Call = (
  streams: MaintainableStreamFactory,
  path: string,
  options: { readonly signal?: AbortSignal },
) => Promise<unknown>;
