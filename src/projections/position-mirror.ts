import type { StreamFactory } from "../../protocols/index.js";
import { hasStoreAccess, type StoreAccess, storeAccessOf } from "../transaction/store-access.js";
import type { ModelStore } from "./model-store.js";
import { type Build, buildKey, RESERVED } from "./projection-records.js";

const INTERVAL_MS = 1_000;
const TIMEOUT_MS = 10_000;

/**
 * Copies the position of a read model that is kept elsewhere into the event store, so that a prune knows what it has yet to
 * read. It follows after the commit, at most once a second.
 */
export class PositionMirror {
  readonly #access: StoreAccess | undefined;
  readonly #key: string;
  #copied = -1;
  #copiedMs = Number.NEGATIVE_INFINITY;

  constructor(streams: StreamFactory, model: ModelStore, build: Build) {
    const access = hasStoreAccess(streams) ? storeAccessOf(streams, "copy a position") : undefined;
    this.#access = access?.storage === model.access?.storage ? undefined : access;
    this.#key = buildKey(build);
  }

  /** Whether a position waits to be copied. */
  isBehind(position: number): boolean {
    return this.#access !== undefined && this.#copied !== position;
  }

  async copy(position: number, isLast = false): Promise<void> {
    if (this.#access === undefined || !this.isBehind(position)) return;
    if (!isLast && performance.now() - this.#copiedMs < INTERVAL_MS) return;
    const plan = { timeoutMs: TIMEOUT_MS, signal: undefined };
    await this.#access.run(
      "copy the position of a projection",
      (_, call) =>
        call("copy the position of a projection", ({ records }) =>
          records.put(RESERVED.builds, this.#key, { position }),
        ),
      plan,
    );
    this.#copied = position;
    this.#copiedMs = performance.now();
  }
}
