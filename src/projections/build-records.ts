import type { Records, StoredRecord } from "../../protocols/index.js";
import { recordsOf } from "../transaction/records-of.js";
import { type Build, buildKey, type Spaces } from "./projection-records.js";

/** All records of a build are in one space of the store, so that they can be found when it is dropped. */
const spaceOf = (spaces: Spaces, build: Build): string => `${spaces.builds}/${buildKey(build)}`;

// No encoded name has a slash, so no two places have the same key.
const prefixOf = (space: string): string => `${encodeURIComponent(space)}/`;

/** A build's own records: a space of that name in another build, or in the application, is another space. */
export function buildRecords(records: Records, spaces: Spaces, build: Build): Records {
  const own = spaceOf(spaces, build);
  return {
    async get(space, key) {
      const found = await records.get(own, prefixOf(space) + key);
      return found === null ? null : { ...found, key };
    },
    put: (space, key, value, expected) => records.put(own, prefixOf(space) + key, value, expected),
    delete: (space, key, expected) => records.delete(own, prefixOf(space) + key, expected),
    async list(space, { after, prefix = "", ...options } = {}) {
      const start = prefixOf(space);
      const place = after === undefined ? {} : { after: start + after };
      const found = await records.list(own, { ...options, ...place, prefix: start + prefix });
      return found.map((record): StoredRecord => ({ ...record, key: record.key.slice(start.length) }));
    },
  };
}

/** Deletes what a build has stored. */
export async function deleteBuildRecords(records: Records, spaces: Spaces, build: Build): Promise<void> {
  const own = spaceOf(spaces, build);
  for await (const { key } of recordsOf(records, own)) await records.delete(own, key);
}
