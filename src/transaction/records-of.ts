import type { Records, StoredRecord } from "../../protocols/index.js";
import { MAX_LISTED_RECORDS } from "../limits.js";

/** All records of a space whose keys begin with a prefix, by key, however many there are. */
export async function* recordsOf(
  records: Pick<Records, "list">,
  space: string,
  prefix = "",
): AsyncGenerator<StoredRecord, void> {
  for (let after = ""; ; ) {
    const page = await records.list(space, { after, prefix, limit: MAX_LISTED_RECORDS });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < MAX_LISTED_RECORDS) return;
    after = last.key;
  }
}
