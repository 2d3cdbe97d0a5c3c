import type { Records, StreamFactory } from "../../protocols/index.js";
import { goneInMs, isFormerBuild } from "../administration/former-builds.js";
import { PROJECTIONS_ELSEWHERE_SPACE, PROJECTIONS_SPACE } from "../administration/reserved-spaces.js";
import { recordsOf } from "../transaction/records-of.js";
import { hasStoreAccess, type StoreAccess, storeAccessOf } from "../transaction/store-access.js";
import type { ModelStore } from "./model-store.js";
import { type Build, buildKey } from "./projection-records.js";

const INTERVAL_MS = 1_000;
const TIMEOUT_MS = 10_000;
const CALL = "copy the position of a projection";

/**
 * Copies the position of a read model that is kept elsewhere into the event store, so that a prune knows what it has yet to
 * read. It follows after the commit, at most once a second.
 */
export class PositionMirror {
  readonly #access: StoreAccess | undefined;
  readonly #model: ModelStore;
  readonly #build: Build;
  readonly #key: string;
  #copied = -1;
  #copiedMs = Number.NEGATIVE_INFINITY;
  /** The copies of other builds of the same projection. */
  #others: readonly string[] = [];

  constructor(streams: StreamFactory, model: ModelStore, build: Build) {
    const access = hasStoreAccess(streams) ? storeAccessOf(streams, "copy a position") : undefined;
    this.#access = access?.storage === model.access?.storage ? undefined : access;
    this.#model = model;
    this.#build = build;
    this.#key = buildKey(build);
  }

  /** Whether a position waits to be copied. */
  isBehind(position: number): boolean {
    return this.#access !== undefined && this.#copied !== position;
  }

  async copy(position: number, isLast = false): Promise<void> {
    if (this.#access === undefined) return;
    const isBehind = this.isBehind(position);
    if (!isBehind && this.#others.length === 0) return;
    if (!isLast && performance.now() - this.#copiedMs < INTERVAL_MS) return;
    if (isBehind) await this.#copy(position, this.#access);
    this.#copiedMs = performance.now();
    if (!isLast) await this.#forgetFormer(this.#access);
  }

  async #copy(position: number, access: StoreAccess): Promise<void> {
    await inRecords(access, async (records) => {
      if (this.#copied < 0) await moveEarlierCopies(records, this.#build.name);
      await records.put(PROJECTIONS_ELSEWHERE_SPACE, this.#key, { position });
      this.#others = await this.#copiesOfOthers(records);
    });
    this.#copied = position;
  }

  async #copiesOfOthers(records: Records): Promise<readonly string[]> {
    const others: string[] = [];
    for await (const { key } of recordsOf(records, PROJECTIONS_ELSEWHERE_SPACE, `${this.#build.name}@`)) {
      if (key !== this.#key) others.push(key);
    }
    return others;
  }

  /** Deletes the copies of builds that readers see no more and that nobody runs: nobody would ever move their positions. */
  async #forgetFormer(access: StoreAccess): Promise<void> {
    if (this.#others.length === 0) return;
    const former = await this.#formerOthers();
    if (former.length === 0) return;
    await inRecords(access, async (records) => {
      for (const key of former) await records.delete(PROJECTIONS_ELSEWHERE_SPACE, key);
    });
    this.#others = this.#others.filter((key) => !former.includes(key));
  }

  #formerOthers(): Promise<readonly string[]> {
    const { spaces, seenLeases } = this.#model;
    return this.#model.run(CALL, TIMEOUT_MS, async ({ records }) => {
      const { name } = this.#build;
      const live = await records.get(spaces.live, name);
      const former: string[] = [];
      for (const key of this.#others) {
        if (live === null || !isFormerBuild(key, new Map([[name, live.value]]))) continue;
        const found = await records.get(spaces.builds, key);
        if (found === null || goneInMs(found, seenLeases) === 0) former.push(key);
      }
      return former;
    });
  }
}

/** Moves the copies that earlier versions of the library put among the builds of the event store. These have an owner, if null. */
export async function moveEarlierCopies(records: Records, name: string): Promise<void> {
  for await (const { key, value } of recordsOf(records, PROJECTIONS_SPACE, `${name}@`)) {
    if (value.owner !== undefined) continue;
    await records.put(PROJECTIONS_ELSEWHERE_SPACE, key, value);
    await records.delete(PROJECTIONS_SPACE, key);
  }
}

/** Runs a transaction over the records of the event store. */
function inRecords(access: StoreAccess, work: (records: Records) => Promise<void>): Promise<void> {
  const plan = { timeoutMs: TIMEOUT_MS, signal: undefined };
  return access.run(CALL, (_, call) => call(CALL, ({ records }) => work(records)), plan);
}
