import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { expect, vi } from "vitest";
import type { Stream } from "../../../protocols/index.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { anyStep, type Step } from "../support/model-steps.js";
import type { ModelWatch } from "../support/model-watch.js";
import { comparable, outcomeOf } from "../support/outcome-of.js";
import { memorySide, type Side, sqliteSide } from "../support/two-sides.js";

const MAX_STEPS = 140;
const PATIENCE = { timeout: 20_000, interval: 1 };

/** A step as a command of fast-check: the store in memory is the model, the one in a file is what is tested. */
class StepCommand implements fc.AsyncCommand<Side, Side> {
  readonly #step: Step;
  readonly #onStep: () => void;

  constructor(step: Step, onStep: () => void) {
    this.#step = step;
    this.#onStep = onStep;
  }

  check(): boolean {
    return true;
  }

  async run(model: Side, real: Side): Promise<void> {
    this.#onStep();
    if (this.#step.isAfterWatches) await catchUp(model, real);
    expect(await this.#step.run(real), this.#step.name).toStrictEqual(await this.#step.run(model));
  }

  toString(): string {
    return this.#step.name;
  }
}

/** Waits until every watch of both sides has what it is to have, and demands that it has nothing else. */
async function catchUp(model: Side, real: Side): Promise<void> {
  for (const [index, inMemory] of model.watches.entries()) {
    const inFile = real.watches[index] as ModelWatch;
    if (inMemory.ended === undefined) await compare(model, inMemory, inFile);
    await vi.waitFor(() => expect(inFile.ended).toStrictEqual(inMemory.ended), PATIENCE);
    expect(inFile.seen).toStrictEqual(inMemory.seen);
  }
  const versions = ({ handles }: Side): number[] => handles.map(({ version }) => version);
  expect(versions(real)).toEqual(versions(model));
}

/** Compares what two watches have got since the last time with what the stream has got. */
async function compare({ factories }: Side, inMemory: ModelWatch, inFile: ModelWatch): Promise<void> {
  const { streamId, filter, compared } = inMemory;
  const stream = (await factories[0]?.openStream(streamId)) as Stream;
  const expected: unknown[] = [];
  const reading = async (): Promise<void> => {
    for await (const event of stream.read({ after: compared.place, filter })) expected.push(comparable(event));
  };
  const outcome = await outcomeOf(reading());
  // A watch that begins before what is left ends as the read does.
  if (expected.length === 0 && !isDeepStrictEqual(outcome, { value: undefined })) {
    return vi.waitFor(() => expect(inMemory.ended).toStrictEqual(outcome), PATIENCE);
  }
  const count = compared.count + expected.length;
  for (const { seen } of [inMemory, inFile]) {
    await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(count), PATIENCE);
    expect(seen.slice(compared.count)).toStrictEqual(expected);
  }
  compared.place = Math.max(compared.place, stream.version);
  compared.count = count;
}

faultTest("R14 SQLite does what memory does, step by step", { quick: 20, soak: 200 }, async (laboratory) => {
  const { rounds, seed, count } = laboratory;
  await using folder = await createTempDir();
  let run = 0;
  const commands = fc.commands(
    anyStep.map((arbitrary) => arbitrary.map((step) => new StepCommand(step, () => count("steps")))),
    { maxCommands: MAX_STEPS, size: "max" },
  );
  const property = fc.asyncProperty(commands, async (chosen) => {
    run += 1;
    await using model = memorySide();
    await using real = sqliteSide(folder.file(`${run}.db`), DRIVER_NAMES[run % 2]);
    const setup = async (): Promise<{ model: Side; real: Side }> => {
      for (const side of [model, real]) {
        await side.reopen();
        for (const id of ["a", "@all"]) {
          for (const factory of side.factories) side.handles.push(await factory.openStream(id));
        }
      }
      return { model, real };
    };
    await fc.asyncModelRun(setup, chosen);
    await catchUp(model, real);
  });
  await fc.assert(property, { numRuns: rounds, seed });
});
