import type { EncodedState, Snapshot, StorageHandle, StoredEvent } from "../../protocols/index.js";
import { parseFilter } from "../filter/parse-filter.js";
import { MAX_PAGE_EVENTS } from "../limits.js";
import { invalidArgument } from "../validate/check-arguments.js";
import type { PersonalContext } from "./personal-context.js";
import { isData } from "./personal-values.js";
import { isSealedValue } from "./sealed-value.js";
import { joinParts } from "./sealing-key.js";

/** Of how many streams it is remembered how far they were checked. Others are read from their beginning. */
const MAX_CHECKED_STREAMS = 10_000;

/**
 * Refuses snapshots of streams that have personal data of others than the one person whose key seals the snapshot: forgetting
 * the others would not erase it. It reads each stream once, and later only what is new in it.
 */
export class SnapshotPersons {
  readonly #context: PersonalContext;
  readonly #storage: StorageHandle;
  /** Up to which version a stream has data of nobody else. The one that was not checked for longest is first. */
  readonly #checked = new Map<string, number>();

  constructor(context: PersonalContext, storage: StorageHandle) {
    this.#context = context;
    this.#storage = storage;
  }

  /**
   * @param name - the name in events of the person whose key seals the snapshot; null: nobody's does
   * @throws InvalidArgumentError when its stream has personal data of somebody else
   */
  async check(snapshot: Snapshot<EncodedState>, name: string | null): Promise<void> {
    const { streamId, version } = snapshot;
    const { types } = this.#context.catalogue;
    if (types.length === 0) return;
    const filter = parseFilter([{ field: "type", op: "in", value: types }]);
    const limit = name === null ? 1 : MAX_PAGE_EVENTS;
    const stream = joinParts([streamId, name ?? ""]);
    for (let after = this.#checked.get(stream) ?? 0; after < version; ) {
      const query = { streamId, after, upTo: version, limit, direction: "forward", filter } as const;
      const { events, next } = await this.#storage.readPage(query);
      const others = events.find((event) => this.#isOfOthers(event, name));
      if (others !== undefined) throw refusal(snapshot, others, name);
      after = next ?? version;
      this.#add(stream, after);
    }
  }

  #isOfOthers({ type, data }: StoredEvent, name: string | null): boolean {
    // An adapter may give events that do not match.
    if (!this.#context.catalogue.has(type)) return false;
    if (name === null) return true;
    return isData(data) && Object.values(data).some((value) => isSealedValue(value) && value.k !== name);
  }

  #add(stream: string, version: number): void {
    const known = this.#checked.get(stream) ?? 0;
    this.#checked.delete(stream);
    this.#checked.set(stream, Math.max(known, version));
    if (this.#checked.size <= MAX_CHECKED_STREAMS) return;
    const [oldest] = this.#checked.keys();
    if (oldest !== undefined) this.#checked.delete(oldest);
  }
}

function refusal({ streamId, projection }: Snapshot<EncodedState>, event: StoredEvent, name: string | null): Error {
  const [whose, advice] =
    name === null
      ? ["", "name the person whose key seals it in the option snapshotSubject"]
      : [
          " of others than the person whose key would seal it",
          "keep the data of one person in a stream that has snapshots",
        ];
  return invalidArgument(
    "state",
    `stream "${streamId}" has personal data${whose} (event ${event.version} is "${event.type}"), so that the state of ` +
      `"${projection}" may have some as well; ${advice}`,
  );
}
