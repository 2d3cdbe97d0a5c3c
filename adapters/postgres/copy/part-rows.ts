import type { ContentsItems, ContentsKeys, CopiedRecord, KeptKey, PrunedStream } from "../../../protocols/index.js";
import { MAX_COPY_PAGE_BYTES, MAX_COPY_PAGE_ITEMS, MAX_RECORD_BYTES } from "../../../src/limits.js";
import type { ClientValue } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { bytesOf, textOfHex } from "../sql-text.js";
import type { SnapshotKeyRow } from "./read-snapshots.js";

/** How the rows of a part are read, and what they mean. */
export interface PartRows<Row, Item, Key> {
  /** The table that has them, for messages. */
  readonly table: string;
  readonly sql: (names: StoreNames) => string;
  /** The parameters that begin behind a key, or with the first. */
  readonly valuesAfter: (after: Key | undefined) => readonly ClientValue[];
  readonly itemOf: (row: Row) => Item;
  readonly pageItems: number;
}

interface Rows {
  readonly prunedStreams: PartRows<
    { readonly name: string; readonly first: number },
    PrunedStream,
    ContentsKeys["prunedStreams"]
  >;
  readonly keptKeys: PartRows<
    { readonly name: string; readonly id: string; readonly version: number; readonly position: number },
    KeptKey,
    ContentsKeys["keptKeys"]
  >;
  readonly snapshots: PartRows<SnapshotKeyRow, SnapshotKeyRow, ContentsKeys["snapshots"]>;
  readonly records: PartRows<
    { readonly space: string; readonly key: string; readonly revision: number; readonly value: string },
    ContentsItems["records"],
    ContentsKeys["records"]
  >;
}

const NOTHING = bytesOf("");
const bytes = (text: string | undefined): Buffer => (text === undefined ? NOTHING : bytesOf(text));

/** Bytes are compared one by one, which is the order of code points. */
export const PART_ROWS: Rows = {
  prunedStreams: {
    table: "es_streams",
    sql: ({ prefix }) =>
      `SELECT name, first FROM ${prefix}es_streams WHERE first > 1 AND name > $1::bytea ORDER BY name`,
    valuesAfter: (after) => [bytes(after?.streamId)],
    itemOf: ({ name, first }) => ({ streamId: textOfHex(name), firstVersion: first }),
    pageItems: MAX_COPY_PAGE_ITEMS,
  },
  keptKeys: {
    table: "es_keys",
    sql: ({ prefix }) => `
      SELECT s.name, k.id, k.version, k.position FROM ${prefix}es_keys k JOIN ${prefix}es_streams s ON s.id = k.stream
      WHERE (s.name, k.id) > ($1::bytea, $2::bytea) ORDER BY s.name, k.id`,
    valuesAfter: (after) => [bytes(after?.streamId), bytes(after?.key)],
    itemOf: ({ name, id, version, position }) => ({ streamId: textOfHex(name), key: textOfHex(id), version, position }),
    pageItems: MAX_COPY_PAGE_ITEMS,
  },
  snapshots: {
    table: "es_snapshots",
    sql: ({ prefix }) => `
      SELECT stream, projection, version, octet_length(state)::int AS size FROM ${prefix}es_snapshots
      WHERE (stream, projection, version) > ($1::bytea, $2::bytea, $3::bigint) ORDER BY stream, projection, version`,
    valuesAfter: (after) => [bytes(after?.streamId), bytes(after?.projection), after?.version ?? -1],
    itemOf: (row) => row,
    pageItems: MAX_COPY_PAGE_ITEMS,
  },
  records: {
    table: "es_records",
    sql: ({ prefix }) => `
      SELECT space, key, revision, value FROM ${prefix}es_records
      WHERE (space, key) > ($1::bytea, $2::bytea) ORDER BY space, key`,
    valuesAfter: (after) => [bytes(after?.space), bytes(after?.key)],
    itemOf: ({ space, key, revision, value }): CopiedRecord => ({
      space: textOfHex(space),
      key: textOfHex(key),
      revision,
      value,
    }),
    pageItems: Math.floor(MAX_COPY_PAGE_BYTES / MAX_RECORD_BYTES),
  },
};
