import type { JsonObject, StorageSession, StoredEvent } from "../../protocols/index.js";
import { parseFilter } from "../filter/parse-filter.js";
import { MAX_FILTER_VALUES } from "../limits.js";

/**
 * The keys among these under which a stream has events that do not name their cause: `handle` has stored them, before
 * `transact` replaced it.
 *
 * @param cause - the event that is handled
 */
export async function causelessKeys(
  session: Pick<StorageSession, "readPage">,
  streamId: string,
  keys: readonly string[],
  cause: StoredEvent,
): Promise<ReadonlySet<string>> {
  const causeless = new Set<string>();
  for (let first = 0; first < keys.length; first += MAX_FILTER_VALUES) {
    const part = keys.slice(first, first + MAX_FILTER_VALUES);
    const filter = parseFilter([{ field: "id", op: "in", value: part }]);
    for (let after: number | null = 0; after !== null; ) {
      const query = { streamId, after, limit: part.length, direction: "forward", filter } as const;
      const page = await session.readPage(query);
      for (const { id, metadata } of page.events) {
        if ((metadata as JsonObject | null)?.causationId !== cause.id) causeless.add(id);
      }
      after = page.next;
    }
  }
  return causeless;
}
