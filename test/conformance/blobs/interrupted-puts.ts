import type { StoredBlob } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { allBytes, fingerprint, inPieces, someBytes } from "../support/blob-bytes.js";
import type { DisposableBlobStore } from "../support/disposable-blob-store.js";
import { failureOf } from "../support/failure-of.js";

class OutOfPaper extends Error {
  override readonly name = "OutOfPaper";
}

/** Bytes that end with an error after so many. */
async function* breakingAfter(length: number, error: Error): AsyncGenerator<Uint8Array, void> {
  yield* inPieces(someBytes(length), 100_000);
  throw error;
}

/** Something that is waited for until it is opened. */
function closedGate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

export function describeInterruptedPuts({ describe, test, expect, eventually }: Suite<DisposableBlobStore>): void {
  describe("a put that is interrupted", () => {
    for (const length of [0, 100_000, 700_000, 9_000_000]) {
      test(`by its data, after ${length} bytes, fails with its error and stores nothing`, async (blobs) => {
        await blobs.put("former", someBytes(10, 1));
        const error = new OutOfPaper();

        expect(await failureOf(blobs.put("new", breakingAfter(length, error)))).toBe(error);
        expect(await failureOf(blobs.put("former", breakingAfter(length, error)))).toBe(error);
        expect(await blobs.get("new")).toBe(null);
        const { data, size } = (await blobs.get("former")) as StoredBlob;
        expect(size).toBe(10);
        expect(fingerprint(await allBytes(data))).toBe(fingerprint(someBytes(10, 1)));
        const listed: string[] = [];
        for await (const { key } of blobs.list()) listed.push(key);
        expect(listed).toEqual(["former"]);
      });
    }

    test("before it begins takes nothing from its data", async (blobs) => {
      const signal = AbortSignal.abort(new OutOfPaper());
      let isAsked = false;
      const data = (async function* () {
        isAsked = true;
        yield someBytes(1);
      })();

      expect(await failureOf(blobs.put("k", data, { signal }))).toBe(signal.reason);
      expect(isAsked).toBe(false);
      expect(await blobs.get("k")).toBe(null);
    });

    test("while it waits for its data ends at once, and so does its data", async (blobs) => {
      const aborting = new AbortController();
      const asked = closedGate();
      const released = closedGate();
      let hasEnded = false;
      const waits = (async function* () {
        try {
          yield someBytes(700_000);
          asked.open();
          // What has been asked for does not come before the put has failed, and is not waited for.
          await released.passed;
          yield someBytes(10);
        } finally {
          hasEnded = true;
        }
      })();

      let failure: unknown;
      const putting = failureOf(blobs.put("k", waits, { signal: aborting.signal })).then((error) => {
        failure = error;
      });
      // Where the wait below fails, nobody awaits it.
      putting.catch(() => undefined);
      await asked.passed;
      aborting.abort(new OutOfPaper());
      try {
        await eventually("the put fails", () => failure !== undefined);
      } finally {
        released.open();
      }
      await putting;
      expect(failure).toBe(aborting.signal.reason);
      expect(await blobs.get("k")).toBe(null);
      await eventually("the data has ended", () => hasEnded);
    });

    test("while its data fails is rejected with the signal's reason, and leaves no rejection unhandled", async (blobs) => {
      const aborting = new AbortController();
      const unhandled: unknown[] = [];
      const note = (reason: unknown): void => void unhandled.push(reason);
      const fails: AsyncIterable<Uint8Array> = {
        [Symbol.asyncIterator]: () => ({
          next() {
            aborting.abort(new OutOfPaper());
            return Promise.reject(new Error("the data has failed"));
          },
        }),
      };
      process.on("unhandledRejection", note);
      try {
        expect(await failureOf(blobs.put("k", fails, { signal: aborting.signal }))).toBe(aborting.signal.reason);
        // Node looks for them at the end of a turn of its event loop.
        await new Promise((resolve) => setImmediate(resolve));
      } finally {
        process.off("unhandledRejection", note);
      }
      expect(unhandled).toEqual([]);
      expect(await blobs.get("k")).toBe(null);
    });

    test("between two chunks stores nothing", async (blobs) => {
      const aborting = new AbortController();
      const aborts = (async function* () {
        for await (const piece of inPieces(someBytes(9_000_000), 1_000_000)) {
          yield piece;
          aborting.abort(new OutOfPaper());
        }
      })();

      expect(await failureOf(blobs.put("k", aborts, { signal: aborting.signal }))).toBe(aborting.signal.reason);
      expect(await blobs.get("k")).toBe(null);
    });

    test("closes its data when that is of no use", async (blobs) => {
      let hasEnded = false;
      const wrong = (async function* () {
        try {
          yield someBytes(700_000);
          yield "text" as unknown as Uint8Array;
        } finally {
          hasEnded = true;
        }
      })();

      expect(await failureOf(blobs.put("k", wrong))).toMatchObject({ code: "INVALID_ARGUMENT", argument: "data" });
      expect(hasEnded).toBe(true);
      expect(await blobs.get("k")).toBe(null);
    });

    test("may be made again", async (blobs) => {
      await failureOf(blobs.put("k", breakingAfter(700_000, new OutOfPaper())));
      await blobs.put("k", someBytes(700_000, 3));

      const { data } = (await blobs.get("k")) as StoredBlob;
      expect(fingerprint(await allBytes(data))).toBe(fingerprint(someBytes(700_000, 3)));
    });
  });
}
