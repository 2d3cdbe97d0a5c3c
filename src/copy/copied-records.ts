import type { CopiedRecord, StoreContents } from "../../protocols/index.js";
import { storedObject } from "../adapter-kit/stored-json.js";
import { CONSUMER_GROUPS_SPACE, CONSUMERS_SPACE, RETENTION_SPACE } from "../administration/reserved-spaces.js";
import { MIGRATIONS_SPACE } from "../migrations/migrations-space.js";
import { PROJECTION_SPACES } from "../projections/read-model-tables.js";
import { COPY_SPACE } from "./copy-note.js";

/**
 * The spaces whose records stay behind: they say what was done with tables, which stay behind too, or who is at work. Spaces
 * below them (`@projections/...`) belong to them.
 */
const LEFT_SPACES: readonly string[] = [COPY_SPACE, MIGRATIONS_SPACE, RETENTION_SPACE, ...PROJECTION_SPACES];

function isCopied({ space }: CopiedRecord): boolean {
  return !LEFT_SPACES.some((left) => space === left || space.startsWith(`${left}/`));
}

/**
 * The records that a copy has, as it has them: leases are released.
 *
 * @param store - the store that they are read of, for messages
 * @throws StorageError `STORAGE_CORRUPT` when one is not what can have been stored
 */
export async function* copiedRecords(
  contents: StoreContents,
  store: string,
  after?: Pick<CopiedRecord, "space" | "key">,
): AsyncGenerator<readonly CopiedRecord[], void> {
  for await (const page of contents.read("records", after)) {
    yield page.filter(isCopied).map((record) => released(record, store));
  }
}

/** Whoever has a lease runs on the source. The owner stays, since it may have been at work on the next events. */
function released(record: CopiedRecord, store: string): CopiedRecord {
  const { space, key } = record;
  const value = storedObject(record.value, `the record "${key}" of "${space}" in ${store}`);
  switch (space) {
    case CONSUMERS_SPACE:
      return { ...record, value: JSON.stringify({ ...value, untilMs: 0 }) };
    case CONSUMER_GROUPS_SPACE:
      return { ...record, value: JSON.stringify({ ...value, members: {} }) };
    default:
      return record;
  }
}
