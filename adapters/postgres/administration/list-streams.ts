import { DELETED_EVENT_TYPE, type ListStreamsQuery, type StreamRow } from "../../../protocols/index.js";
import { storedObject } from "../../../src/adapter-kit/stored-json.js";
import { STREAM_METADATA_SPACE } from "../../../src/administration/reserved-spaces.js";
import type { PostgresConnection } from "../client/client.js";
import { INDEXED_NAME_BYTES, type StoreNames } from "../open/schema.js";
import { bytesLiteral, bytesOf, textOfHex } from "../sql-text.js";

interface Row {
  readonly name: string;
  readonly version: number | null;
  readonly first: number | null;
  readonly position: number | null;
  readonly timestamp: number | null;
  readonly type: string | null;
  readonly value: string | null;
  readonly revision: number | null;
}

/** The streams with events or metadata, by id. The last event of each is found by its index, and no event is counted. */
export async function listStreams(
  connection: PostgresConnection,
  names: StoreNames,
  { prefix, after, limit }: ListStreamsQuery,
  location: string,
): Promise<readonly StreamRow[]> {
  const { rows } = await connection.query<Row>({
    name: "es_list_streams",
    text: listSQL(names),
    values: [bytesOf(prefix), bytesOf(after), limit],
  });
  return rows.map((row) => rowOf(row, location));
}

function rowOf(row: Row, location: string): StreamRow {
  const { name, version, first, position, timestamp, type, value, revision } = row;
  const streamId = textOfHex(name);
  const [lastVersion, firstVersion] = [version ?? 0, first ?? 1];
  return {
    streamId,
    version: lastVersion,
    firstVersion,
    eventCount: lastVersion - firstVersion + 1,
    lastPosition: position ?? 0,
    lastTimestampMs: timestamp,
    isDeleted: type !== null && textOfHex(type) === DELETED_EVENT_TYPE,
    metadata: value === null ? null : storedObject(value, `the metadata of stream "${streamId}" in ${location}`),
    metadataRevision: revision ?? 0,
  };
}

// Ids are compared as bytes, which is the order of code points. What begins with a prefix ($1) is a range, because no byte
// of UTF-8 is FF. The indexes have the beginnings of ids, which are in the same order.
function listSQL({ prefix }: StoreNames): string {
  const page = (table: string, name: string, where: string): string => `
    SELECT ${name} AS name FROM ${prefix}${table}
    WHERE ${where} AND ${name} > $2::bytea AND ${name} >= $1::bytea AND ${name} < $1::bytea || ${LAST_BYTE}
      AND ${beginning(name)} >= ${beginning("greatest($1::bytea, $2::bytea)")}
      AND ${beginning(name)} <= ${beginning(`$1::bytea || ${LAST_BYTE}`)}
    ORDER BY ${beginning(name)}, ${name} LIMIT $3::bigint`;
  const space = bytesLiteral(STREAM_METADATA_SPACE);
  return `
    WITH ids AS MATERIALIZED (
      SELECT name FROM (
        (${page("es_streams", "name", "true")})
        UNION
        (${page("es_records", "key", `space_hash = sha256(${space})`)})
      ) found ORDER BY name LIMIT $3::bigint
    )
    SELECT ids.name, l.version, s.first, l.position, l.timestamp, l.type, r.value, r.revision
    FROM ids LEFT JOIN ${prefix}es_streams s ON s.hash = sha256(ids.name)
    LEFT JOIN LATERAL (
      SELECT version, position, timestamp, type FROM ${prefix}es_events e
      WHERE e.stream = s.id ORDER BY version DESC LIMIT 1
    ) l ON true
    LEFT JOIN ${prefix}es_records r ON r.hash = sha256(sha256(${space}) || sha256(ids.name))
    ORDER BY ids.name`;
}

const LAST_BYTE = "'\\xff'::bytea";

const beginning = (bytes: string): string => `substring(${bytes} FROM 1 FOR ${INDEXED_NAME_BYTES})`;
