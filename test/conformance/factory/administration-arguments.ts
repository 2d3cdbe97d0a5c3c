import type {
  AdministrableStreamFactory,
  JsonObject,
  ListStreamsOptions,
  StreamFactory,
} from "../../../protocols/index.js";
import { MAX_REASON_BYTES, MAX_RECORD_BYTES } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { fillStream, listedIds } from "../support/administration.js";
import { ADMINISTRATION } from "../support/capabilities.js";
import { eachCase } from "../support/each-case.js";
import { failureOf } from "../support/failure-of.js";

type Call = (streams: AdministrableStreamFactory) => Promise<unknown>;

const list =
  (options: object): Call =>
  (streams) =>
    listedIds(streams, options as ListStreamsOptions);
const prune =
  (options: object): Call =>
  (streams) =>
    streams.pruneStream("a", { before: 2, ...options });
const deleteIt =
  (options: object): Call =>
  (streams) =>
    streams.deleteStream("a", options);
const describeIt =
  (id: string): Call =>
  (streams) =>
    streams.describeStream(id);
const set =
  (metadata: unknown, options = {}): Call =>
  (streams) =>
    streams.setStreamMetadata("a", metadata as JsonObject, options);

const textOf = (bytes: number): JsonObject => ({ text: "x".repeat(bytes - '{"text":""}'.length) });

/** Each call, and the argument that it names. */
const REFUSED: readonly (readonly [string, string, Call])[] = [
  ["listing by a prefix that is no string", "prefix", list({ prefix: 1 })],
  ["listing after what is no string", "after", list({ after: null })],
  ["listing up to less than nothing", "limit", list({ limit: -1 })],
  ["listing with a flag that is none", "deleted", list({ deleted: 1 })],
  ["listing with an unknown option", "prefixes", list({ prefixes: "a" })],
  ["describing an empty id", "streamId", describeIt("")],
  ["describing @all", "streamId", describeIt("@all")],
  ["metadata that is a list", "metadata", set([])],
  ["metadata that JSON cannot carry", "metadata", set({ value: 1n })],
  ["metadata that is too large", "metadata", set(textOf(MAX_RECORD_BYTES + 1))],
  ["an expected revision that is none", "expectedRevision", set({}, { expectedRevision: -1 })],
  ["pruning before version 0", "before", prune({ before: 0 })],
  ["pruning before what is behind the end", "before", prune({ before: 4 })],
  ["pruning before what is no version", "before", prune({ before: 1.5 })],
  ["pruning a stream that has no events", "before", (streams) => streams.pruneStream("nobody", { before: 1 })],
  ["pruning behind a snapshot without a name", "behindSnapshot", prune({ behindSnapshot: "" })],
  ["pruning with an archive that is no function", "archive", prune({ archive: 1 })],
  ["pruning with a flag that is none", "force", prune({ force: 1 })],
  ["pruning with an unknown option", "behindSnapshots", prune({ behindSnapshots: "x" })],
  ["deleting at a version that is none", "expectedVersion", deleteIt({ expectedVersion: "exists" })],
  ["deleting with a reason that is no object", "reason", deleteIt({ reason: "closed" })],
  ["deleting with a reason that is too large", "reason", deleteIt({ reason: textOf(MAX_REASON_BYTES + 1) })],
  [
    "reclaiming with a progress that is no function",
    "onProgress",
    (streams) => streams.reclaim({ onProgress: 1 as never }),
  ],
];

export function describeAdministrationArguments({ describe, testWith, expect }: Suite<StreamFactory>): void {
  describe("the arguments of administration, where the store has it", () => {
    testWith(ADMINISTRATION, "are refused where they are wrong, and nothing is changed", async (streams) => {
      await fillStream(streams, "a", 3);

      await eachCase(REFUSED, async ([, argument, call]) => {
        expect(await failureOf(call(streams))).toMatchObject({ code: "INVALID_ARGUMENT", argument });
        expect(await streams.describeStream("a")).toMatchObject({ version: 3, firstVersion: 1, metadata: null });
      });
    });

    testWith(ADMINISTRATION, "take metadata and a reason of the largest size", async (streams) => {
      const metadata = textOf(MAX_RECORD_BYTES);
      await streams.setStreamMetadata("a", metadata);
      expect(await streams.describeStream("a")).toMatchObject({ metadata });

      expect(await streams.deleteStream("a", { reason: textOf(MAX_REASON_BYTES) })).toMatchObject({ version: 1 });
    });
  });
}
