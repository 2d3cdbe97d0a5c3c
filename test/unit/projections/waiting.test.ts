import { afterEach, describe, expect, test, vi } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { documents, type Projection, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { overriding } from "../../support/overriding.js";
import { STORES } from "../consumers/support/stores.js";
import { type Deposited, deposited } from "./support/stores.js";

afterEach(() => {
  vi.useRealTimers();
});

const totals = (version = 1): Projection<Deposited> =>
  documents<number, Deposited>({
    name: "totals",
    version,
    types: ["Deposited"],
    key: () => "all",
    evolve: (sum, { data }) => (sum ?? 0) + data.amount,
  });

describe.each(STORES)("waiting for a projection over %s", (_, open) => {
  test("goes on until it is registered, and ends at its time or with its signal", async () => {
    await using streams = await open();
    const { position } = await (await streams.openStream("a")).write(deposited(1));
    const message = expect.stringMatching(
      /^Cannot wait for "totals" in \S+: .* position \d+ within timeoutMs \(20 ms\)/,
    );
    const timeout = { name: "TimeoutError", code: "TIMEOUT", message };
    const unknown = whenProcessed(streams, "totals", 0, { timeoutMs: 20 });
    await expect(unknown).rejects.toMatchObject(timeout);
    await expect(unknown).rejects.toThrow("No process has registered it.");
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = whenProcessed(streams, "totals", position, { signal: controller.signal });
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);

    const processed = whenProcessed(streams, "totals", position);
    await using _runner = await runProjections(streams, [totals()]);
    await processed;
    await expect(whenProcessed(streams, "totals", position + 1, { timeoutMs: 20 })).rejects.toMatchObject(timeout);
  });

  test("that ends at its time says what the projection fails at", async () => {
    await using streams = await open();
    const { position } = await (await streams.openStream("a")).write(deposited(1));
    const broken = { ...totals(), project: () => Promise.reject(new Error("no such column")) };
    await using runner = await runProjections(streams, [broken]);
    await expect.poll(() => runner.status()[0]?.state).toBe("failed");
    await expect(whenProcessed(streams, "totals", position, { timeoutMs: 20 })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(
        /version 1 fails at position 1, an event "Deposited" of stream "a": no such column$/,
      ),
    });
  });

  test("asks the version that readers see, while another is built", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    await using _first = await runProjections(streams, [totals()]);
    const broken = { ...totals(2), project: () => Promise.reject(new Error("not yet")) };
    await using second = await runProjections(streams, [broken]);
    await expect.poll(() => second.status()[0]?.state).toBe("failed");
    const { position } = await a.write(deposited(2));
    await whenProcessed(streams, "totals", position);
    expect(second.status()[0]).toMatchObject({ version: 2, state: "failed", position: 0 });
  });

  test("with a timeoutMs of 0 finds what another process has done, while another version is built here", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    const { position } = await a.write(deposited(1));
    await using first = await runProjections(streams, [totals()]);
    await whenProcessed(streams, "totals", position);
    await first[Symbol.asyncDispose]();
    const broken = { ...totals(2), project: () => Promise.reject(new Error("not yet")) };
    await using second = await runProjections(streams, [broken]);
    await expect.poll(() => second.status()[0]?.state).toBe("failed");
    await whenProcessed(streams, "totals", position, { timeoutMs: 0 });
  });

  test("that ends at its time names no failure of a version that readers do not see", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    const { position } = await a.write(deposited(1));
    await using _first = await runProjections(streams, [totals()]);
    const broken = { ...totals(2), project: () => Promise.reject(new Error("not yet")) };
    await using second = await runProjections(streams, [broken]);
    await expect.poll(() => second.status()[0]?.state).toBe("failed");
    await expect(whenProcessed(streams, "totals", position + 1, { timeoutMs: 20 })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(/Is it running, and does it go on\?$/),
    });
  });

  test("that ends at its time says that nobody runs what readers see, and how the next version does", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    const { position } = await a.write(deposited(1));
    const first = await runProjections(streams, [totals()]);
    await whenProcessed(streams, "totals", position);
    await first[Symbol.asyncDispose]();
    await a.write(deposited(2));
    const ending = (message: RegExp) => ({ code: "TIMEOUT", message: expect.stringMatching(message) });
    const waiting = () => whenProcessed(streams, "totals", position + 1, { timeoutMs: 20 });
    await expect(waiting()).rejects.toMatchObject(ending(/No process runs its version 1, which readers see\.$/));

    const broken = { ...totals(2), project: () => Promise.reject(new Error("no such column")) };
    await using second = await runProjections(streams, [broken]);
    await expect.poll(() => second.status()[0]?.state).toBe("failed");
    await expect(waiting()).rejects.toMatchObject(
      ending(/which readers see\. Its version 2 fails at position 1, .*: no such column$/),
    );
  });

  test("that ends at its time names the failure of what readers see while it is built again", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    let fault: string | undefined;
    const whole = totals();
    const fragile: Projection<Deposited> = {
      ...whole,
      project: (events, context) =>
        fault === undefined ? whole.project(events, context) : Promise.reject(new Error(fault)),
    };
    await using runner = await runProjections(streams, [fragile]);
    await whenProcessed(streams, "totals", 1);
    fault = "disk is gone";
    const { position } = await a.write(deposited(2));
    await expect.poll(() => runner.status()[0]?.state).toBe("failed");
    fault = "too old";
    const rebuilt = runner.rebuild("totals").catch(() => undefined);
    await expect.poll(() => runner.status()[0]?.error?.message).toBe("too old");
    await expect(whenProcessed(streams, "totals", position, { timeoutMs: 20 })).rejects.toMatchObject({
      code: "TIMEOUT",
      message: expect.stringMatching(/ position 2, .*: disk is gone$/),
    });
    await runner[Symbol.asyncDispose]();
    await rebuilt;
  });
});

test("waiting ends after 10 seconds by default", async () => {
  await using streams = memoryStreamFactory();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  let failure: unknown;
  const waiting = whenProcessed(streams, "totals", 1).catch((error: unknown) => {
    failure = error;
  });
  await vi.advanceTimersByTimeAsync(9_800);
  expect(failure).toBeUndefined();
  await vi.advanceTimersByTimeAsync(300);
  await waiting;
  expect(failure).toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("10000 ms") });
});

test("waiting elsewhere for an event that the projection does not want ends within about a second", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  await using streams = memoryStreamFactory();
  await using models = memoryStreamFactory();
  const transaction: typeof models.transaction = (work) => models.transaction(work);
  // The runner is not known by the second, as it is in another process.
  const [here, elsewhere] = [{ transaction }, { transaction }];
  const a = await streams.openStream("a");
  const { position: wanted } = await a.write(deposited(1));
  await using _runner = await runProjections(streams, [recordsOnly(totals())], { store: here });
  await whenProcessed(here, "totals", wanted);

  const { position } = await a.write({ type: "Other", data: null });
  await whenProcessed(here, "totals", position);
  let isProcessed = false;
  const processed = whenProcessed(elsewhere, "totals", position).then(() => {
    isProcessed = true;
  });
  await vi.advanceTimersByTimeAsync(500);
  expect(isProcessed).toBe(false);
  await vi.advanceTimersByTimeAsync(1_000);
  await processed;
  vi.useRealTimers();
});

/** A projection without tables: the store of the test has none. */
function recordsOnly(projection: Projection<Deposited>): Projection<Deposited> {
  return overriding(projection, { tables: async () => undefined, project: async () => undefined });
}
