import fc from "fast-check";
import type {
  AdministrableStreamFactory,
  CandidateEvent,
  DeleteOptions,
  EventFilter,
  FilterClause,
  LoadSnapshotOptions,
  ReadOptions,
  Stream,
  WriteOptions,
} from "../../../protocols/index.js";
import { beginModelWatch } from "./model-watch.js";
import { comparable, outcomeOf } from "./outcome-of.js";
import type { Side } from "./two-sides.js";

/** Something that is done to both stores alike. */
export interface Step {
  readonly name: string;
  /** Whether the watches have to have caught up first, because it depends on what handles know, or ends watches. */
  readonly isAfterWatches: boolean;
  run(side: Side): Promise<unknown>;
}

const STREAM_IDS = ["a", "b", "c%_"];
const ABORTED = AbortSignal.abort(new Error("aborted before"));

const index = fc.nat(1_000);
const place = fc.option(fc.nat(12), { nil: undefined });
const anyStreamId = fc.constantFrom(...STREAM_IDS, ...STREAM_IDS, "@all");
const signal = fc.option(fc.constant(ABORTED), { nil: undefined, freq: 12 });

const event = fc.record(
  {
    type: fc.constantFrom("A", "Ab", "B%"),
    data: fc.oneof(
      fc.constantFrom<unknown>(1, -0, { a: 1 }, { a: "x" }),
      fc.jsonValue(),
      fc.uint8Array({ maxLength: 3 }),
    ),
    metadata: fc.constantFrom(null, { m: 1 }, { m: "1" }),
    idempotencyKey: fc.constantFrom("k1", "k2", "k3", "k4"),
  },
  { requiredKeys: ["type", "data"] },
) as fc.Arbitrary<CandidateEvent>;
const events = fc.array(event, { maxLength: 4 });
const expectedVersion = fc.oneof(fc.nat(8), fc.constantFrom("any", "any", "exists", -1, 1.5));
const writeOptions = fc.record({ expectedVersion, signal }, { requiredKeys: [] }) as fc.Arbitrary<WriteOptions>;

const clause = fc.constantFrom<FilterClause>(
  { field: "type", op: "=", value: "A" },
  { field: "type", op: "prefix", value: "A" },
  { field: "type", op: "like", value: "%\\%" },
  { field: "data.a", op: ">=", value: 1 },
  { field: "data.a", op: "in", value: ["x", 2] },
  { field: "metadata.m", op: "!=", value: 2 },
  { field: "version", op: "<", value: 6 },
  { field: "streamId", op: "=", value: "b" },
);
const filter: fc.Arbitrary<EventFilter> = fc.array(clause, { maxLength: 2 });

function step(name: string, isAfterWatches: boolean, run: Step["run"]): Step {
  return { name, isAfterWatches, run };
}

function handleOf({ handles }: Side, number: number): Stream {
  return handles[number % handles.length] as Stream;
}

const open = fc.tuple(anyStreamId, fc.nat(1)).map(([id, factory]) =>
  step(`open ${id} in ${factory}`, false, async (side) => {
    const stream = await side.factories[factory]?.openStream(id);
    return stream && side.handles.push(stream) && stream.version;
  }),
);

const write = fc.tuple(index, events, writeOptions, fc.boolean()).map(([at, given, options, isRepeated]) =>
  step(`write ${given.length} events${isRepeated ? " twice" : ""}`, true, async (side) => {
    const stream = handleOf(side, at);
    const outcomes: unknown[] = [];
    for (let time = isRepeated ? 2 : 1; time > 0; time -= 1) {
      outcomes.push(await outcomeOf(stream.write(given, options), ABORTED.reason), stream.version);
    }
    return outcomes;
  }),
);

const writesAtOnce = fc
  .tuple(
    fc.nat(1),
    fc.array(fc.tuple(fc.constantFrom(...STREAM_IDS), events, writeOptions), { minLength: 2, maxLength: 6 }),
  )
  .map(([factory, writes]) =>
    step(`${writes.length} writes at once`, false, async ({ factories }) => {
      const streams = await Promise.all(writes.map(([id]) => factories[factory]?.openStream(id) as Promise<Stream>));
      const outcomes = writes.map(([, given, options], number) =>
        outcomeOf((streams[number] as Stream).write(given, options), ABORTED.reason),
      );
      return Promise.all(outcomes);
    }),
  );

const read = fc
  .tuple(index, fc.record({ after: place, upTo: place, limit: place, filter, signal }), fc.boolean())
  .map(([at, options, isBackward]) =>
    step("read", true, async (side) => {
      const found: unknown[] = [];
      const readAll = async (): Promise<void> => {
        const given: ReadOptions = { ...options, direction: isBackward ? "backward" : "forward" };
        for await (const stored of handleOf(side, at).read(given)) found.push(comparable(stored));
      };
      return [await outcomeOf(readAll(), ABORTED.reason), found, handleOf(side, at).version];
    }),
  );

const projection = fc.constantFrom(undefined, undefined, "default", "other");
const version = fc.option(fc.nat(5), { nil: undefined });

async function load(stream: Stream, options: LoadSnapshotOptions): Promise<unknown> {
  const found = await stream.loadSnapshot(options);
  return found && { ...found, timestamp: found.timestamp.getTime() > 0 };
}

const snapshot = fc
  .tuple(index, fc.jsonValue(), fc.record({ version, projection }), fc.record({ atOrBefore: place, projection }))
  .map(([at, state, saved, loaded]) =>
    step("save a snapshot and load one", true, async (side) => {
      const stream = handleOf(side, at);
      return [await outcomeOf(stream.snapshot(state, saved)), await outcomeOf(load(stream, loaded))];
    }),
  );

const metrics = index.map((at) =>
  step("metrics", false, (side) =>
    outcomeOf(
      handleOf(side, at)
        .metrics()
        .then((found) => ({ ...found, lastTimestamp: found.lastTimestamp !== null })),
    ),
  ),
);

const watch = fc
  .tuple(index, fc.record({ after: place, filter, isObservable: fc.boolean() }))
  .map(([at, options]) =>
    step("begin a watch", true, async (side) => side.watches.push(beginModelWatch(handleOf(side, at), options))),
  );

const endWatch = index.map((at) =>
  step("end a watch", true, async ({ watches }) => watches[at % Math.max(watches.length, 1)]?.end()),
);

const close = index.map((at) => step("close a handle", true, (side) => handleOf(side, at)[Symbol.asyncDispose]()));

const reopen = fc.constant(step("reopen", true, (side) => side.reopen()));

const prune = fc
  .tuple(fc.nat(1), fc.constantFrom(...STREAM_IDS), fc.nat(20), fc.boolean())
  .map(([factory, id, before, forgetKeys]) =>
    step(`prune ${id} before ${before}`, true, async ({ factories }) =>
      outcomeOf((factories[factory] as AdministrableStreamFactory).pruneStream(id, { before, forgetKeys })),
    ),
  );

// One stream alone, so that others go on.
const deletion = fc.tuple(fc.nat(1), expectedVersion).map(([factory, expected]) =>
  step("delete a stream", true, async ({ factories }) => {
    const options = { expectedVersion: expected } as DeleteOptions;
    return outcomeOf((factories[factory] as AdministrableStreamFactory).deleteStream("c%_", options));
  }),
);

const list = fc.nat(1).map((factory) =>
  step("list the streams", false, async ({ factories }) => {
    const found: unknown[] = [];
    for await (const info of factories[factory]?.listStreams({ deleted: true }) ?? []) {
      found.push({ ...info, lastTimestamp: info.lastTimestamp !== null });
    }
    return found;
  }),
);

/** Any step, the frequent ones more often. */
export const anyStep: readonly fc.Arbitrary<Step>[] = [
  ...[open, write, write, write, write, writesAtOnce, writesAtOnce, read, read, read],
  ...[snapshot, snapshot, snapshot, metrics, watch, watch, endWatch, close, reopen],
  ...[prune, prune, deletion, list],
];
