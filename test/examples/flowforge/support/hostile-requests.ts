/** Requests that a window must not get away with. */
export interface HostileRequest {
  readonly method?: unknown;
  readonly args?: unknown;
}

const ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)";

/** Statements that write, or would if one let them. */
const WRITING = [
  "INSERT INTO workflows (id, name) VALUES ('evil', 'evil')",
  "UPDATE runs SET status = 'evil'",
  "DELETE FROM runs",
  "DELETE FROM events",
  "REPLACE INTO workflows (id, name) VALUES ('evil', 'evil')",
  "DROP TABLE runs",
  "DROP VIEW datasets",
  "CREATE TABLE evil (id TEXT)",
  "CREATE TEMP TABLE evil (id TEXT)",
  "CREATE VIEW evil AS SELECT 1",
  "CREATE TRIGGER evil AFTER INSERT ON runs BEGIN DELETE FROM runs; END",
  "CREATE INDEX evil ON runs (status)",
  "CREATE VIRTUAL TABLE evil USING fts5(a)",
  "ALTER TABLE runs RENAME TO evil",
  "ALTER TABLE runs ADD COLUMN evil TEXT",
  "REINDEX",
  "ANALYZE",
  "VACUUM",
  "VACUUM INTO '/tmp/evil.db'",
  "BEGIN",
  "BEGIN IMMEDIATE",
  "COMMIT",
  "ROLLBACK",
  "SAVEPOINT evil",
  "RELEASE evil",
  "PRAGMA query_only = OFF",
  "PRAGMA writable_schema = ON",
  "PRAGMA journal_mode = DELETE",
  "PRAGMA user_version = 666",
  "PRAGMA wal_checkpoint(TRUNCATE)",
  "ATTACH DATABASE '/tmp/evil.db' AS evil",
  "ATTACH ':memory:' AS evil",
  "DETACH main",
  "EXPLAIN DELETE FROM runs",
  "EXPLAIN QUERY PLAN SELECT 1",
  "VALUES (1)",
  "",
  "   ",
  "-- SELECT 1",
  "/* SELECT 1 */",
];

/** The same behind something that reads. */
const BEHIND_A_READ = [
  "WITH evil AS (SELECT 1) INSERT INTO workflows (id, name) SELECT 'evil', 'evil' FROM evil",
  "WITH evil AS (SELECT 1) DELETE FROM runs",
  "WITH evil AS (SELECT 1) UPDATE runs SET status = 'evil'",
  "WITH evil AS (SELECT 1) DELETE FROM runs RETURNING *",
  "/* SELECT */ DELETE FROM runs",
  "-- SELECT\nDELETE FROM runs",
  "SELECT 1; DELETE FROM runs",
  "SELECT 1; DROP TABLE runs; --",
  "SELECT 1;\nPRAGMA writable_schema = ON",
  "SELECT 1; ATTACH '/tmp/evil.db' AS evil",
  "SELECT 1; SELECT 2",
  "SELECT ';' ; DELETE FROM runs",
  "SELECT 1 /* ; */ ; DELETE FROM runs",
  "SELECT 1 -- ;\n; DELETE FROM runs",
  "SELECT 'a''; DELETE FROM runs; --'; DELETE FROM runs",
  "SELECT 1; BEGIN; DELETE FROM runs; COMMIT",
  "SELECT * FROM (DELETE FROM runs RETURNING id)",
  "SELECT (UPDATE runs SET status = 'evil')",
  "SELECT 1 INTO evil",
  "SELECT \0 1",
  "SELECT 1\0; DELETE FROM runs",
];

/** Functions and tables that are no business of a window. */
const FORBIDDEN = [
  "SELECT load_extension('/tmp/evil.so')",
  "SELECT readfile('/etc/passwd')",
  "SELECT writefile('/tmp/evil', 'evil')",
  "SELECT edit('evil', 'sh')",
  "SELECT fts3_tokenizer('simple', x'0000')",
  "SELECT * FROM fsdir('/')",
  "SELECT * FROM read_csv('/etc/passwd')",
  "SELECT * FROM read_text('/etc/passwd')",
  "SELECT * FROM '/etc/passwd'",
  "SELECT * FROM glob('/*')",
  "SELECT sqlite_rename_table('main', 'table', 'runs', 'runs', 'evil', 0)",
  "SELECT * FROM es_events",
  'SELECT * FROM "es_streams"',
  "SELECT * FROM [es_events]",
  "SELECT * FROM `es_events`",
  "SELECT * FROM main.es_events",
  "SELECT * FROM async_streams_blobs",
  'SELECT data FROM "async_streams_blobs"',
  "SELECT * FROM async_streams_migrations",
  "SELECT file FROM pragma_database_list",
  'SELECT file FROM "pragma_database_list"',
  "SELECT file FROM main.pragma_database_list()",
  "SELECT name FROM dbstat",
  "SELECT data FROM sqlite_dbpage",
  "SELECT seq FROM sqlite_sequence",
  "SELECT path FROM duckdb_databases()",
  'SELECT path FROM "duckdb_databases"()',
  "SELECT value FROM duckdb_settings()",
  "SELECT current_setting('temp_directory')",
  "SELECT setting FROM pg_settings",
  "SELECT setting FROM pg_catalog.pg_settings",
  "SELECT * FROM query('SELECT path FROM duck' || 'db_databases()')",
  "SELECT * FROM query /* */ ('SELECT 1')",
  "SELECT * FROM query_table('duckdb' || '_databases')",
  "SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT 1'))",
  "SELECT * FROM enable_profiling()",
  "SELECT * FROM enable_logging()",
  "SELECT * FROM checkpoint()",
  "SELECT * FROM nowhere",
  "SELECT nothing FROM runs",
  "SELECT * FROM evil.runs",
  "SELECT FROM WHERE",
  "SELECT * FROM runs WHERE id = 'unterminated",
  'SELECT * FROM runs WHERE id = "unterminated',
  "SELECT /* unterminated",
  `SELECT ${"-".repeat(60_000)}`,
  `SELECT ${"'".repeat(60_001)}`,
  `SELECT ${"[".repeat(60_000)}`,
  `SELECT '${"x".repeat(70_000)}'`,
  `SELECT 1 ${"UNION ALL SELECT 1 ".repeat(3_000)}`,
];

/** Names behind what is a string or a comment in one dialect and not in the other. */
const HIDDEN_NAMES = [
  "SELECT [']'], path FROM duckdb_databases() WHERE ''=''",
  "SELECT E'\\'', path FROM duckdb_databases() WHERE 'a'='a'",
  "SELECT $$'$$, path FROM duckdb_databases() --'",
  "SELECT 1 /* /* */ ' */, path FROM duckdb_databases() --'",
  "SELECT path -- \r FROM duckdb_databases()",
  "SELECT data FROM -- \r async_streams_blobs",
];

/** Statements that never end, or only after years. Nothing interrupts the ones with instr. */
const ENDLESS_STATEMENTS = [
  `${ENDLESS} SELECT count(*) FROM c`,
  `${ENDLESS} SELECT max(x) FROM c`,
  `${ENDLESS} SELECT x FROM c WHERE x < 0`,
  `${ENDLESS} SELECT a.x FROM c a, c b WHERE a.x = -b.x`,
  `${ENDLESS} SELECT 1 WHERE EXISTS (SELECT 1 FROM c WHERE x = -1)`,
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION SELECT (x + 1) % 1000000007 FROM c) SELECT count(*) FROM c",
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c) SELECT sum(x) FROM c",
  `${ENDLESS}, d(y) AS (SELECT x FROM c LIMIT 100000) SELECT count(*) FROM d a, d b, d e`,
  "SELECT instr(zeroblob(40000000), CAST(zeroblob(4000000) || x'01' AS BLOB))",
  "SELECT max(instr(zeroblob(30000000 + x), CAST(zeroblob(3000000) || x'01' AS BLOB))) FROM (SELECT 1 AS x UNION SELECT 2)",
];

/** Statements and results that are too large for SQLite. DuckDB may answer them within the limits. */
const GIANT_STATEMENTS = [
  `SELECT ${"(".repeat(5_000)}1${")".repeat(5_000)}`,
  `SELECT ${Array.from({ length: 5_000 }, (_, at) => at).join()}`,
  `SELECT * FROM ${Array.from({ length: 70 }, (_, at) => `runs r${at}`).join()}`,
  "SELECT zeroblob(1000000000)",
  "SELECT zeroblob(9000000)",
  "SELECT hex(zeroblob(400000000))",
  "SELECT printf('%.*c', 900000000, 'x')",
  "SELECT hex(randomblob(300000000))",
  "SELECT replace(hex(zeroblob(50000)), '0', hex(zeroblob(5000)))",
  "WITH RECURSIVE c(x) AS (SELECT 'xx' UNION ALL SELECT x || x FROM c) SELECT length(x) FROM c",
  `${ENDLESS} SELECT x, hex(zeroblob(1000)) FROM c`,
  `${ENDLESS} SELECT x FROM c LIMIT 20000`,
  `${ENDLESS} SELECT group_concat(hex(zeroblob(1000))) FROM (SELECT x FROM c LIMIT 1000000)`,
  `SELECT ${Array.from({ length: 1_000 }, () => "zeroblob(1000000)").join()}`,
  `${ENDLESS} SELECT json_group_array(hex(zeroblob(1000))) FROM (SELECT x FROM c LIMIT 1000000)`,
];

const sql = (statement: unknown, params?: unknown): HostileRequest => ({
  method: "queryProjection",
  args: params === undefined ? { sql: statement } : { sql: statement, params },
});
const upsert = (table: unknown, rows: unknown): HostileRequest => ({
  method: "upsertProjection",
  args: { table, rows },
});
const append = (args: unknown): HostileRequest => ({ method: "appendEvent", args });

const event = { aggregateId: "test:1", eventType: "Evil", payload: {} };
const polluted = (): unknown => JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
const nested = (depth: number): unknown => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);
const circular: Record<string, unknown> = {};
circular.self = circular;

const WRONG_QUERIES = [
  ...[undefined, null, 1, true, {}, [], ["SELECT 1"], { toString: "SELECT 1" }, new Date(0)].map((it) => sql(it)),
  ...["x", 1, {}, [{}], [[]], [Number.NaN], [Number.POSITIVE_INFINITY], [1n], [undefined], Array(101).fill(1)].map(
    (params) => sql("SELECT ?", params),
  ),
  sql("SELECT ?", []),
  sql("SELECT 1", [1]),
  sql("SELECT ?", ["x".repeat(2_000_000)]),
];

const WRONG_UPSERTS = [
  ...["events", "snapshots", "datasets", "joins", "es_events", "sqlite_schema", "async_streams_blobs", "nowhere"].map(
    (table) => upsert(table, [{ id: "evil" }]),
  ),
  ...[
    "runs; DROP TABLE runs",
    'runs"',
    "main.runs",
    "",
    "1",
    "RUNS",
    "x".repeat(100),
    null,
    1,
    {},
    ["runs"],
    "__proto__",
  ].map((table) => upsert(table, [{ id: "evil" }])),
  ...[null, 1, "x", {}, [1], [null], [[]], [{}], ["x"], [new Date(0)], [{ "id) --": 1 }], [{ "": 1 }]].map((rows) =>
    upsert("runs", rows),
  ),
  upsert("runs", [polluted()]),
  upsert("runs", [{ id: "evil", nowhere: 1 }]),
  upsert("runs", [{ id: "evil" }]),
  upsert("runs", [{ constructor: "evil", id: "evil" }]),
  upsert("runs", Array(1_001).fill({ id: "evil" })),
  upsert("runs", [{ id: "x".repeat(2_000_000), workflow_version_id: "1", trigger: "x", status: "x" }]),
  upsert("workflows", [{ id: null, name: "evil" }]),
  upsert("workflows", [{ name: "evil" }]),
  upsert("workflow_versions", [{ id: "evil", workflow_id: "w", version: 1, status: "evil" }]),
];

const WRONG_EVENTS = [
  ...[undefined, null, 1, "x", [], [event], new Date(0), new Map()].map((args) => append(args)),
  ...[null, "x", 1, [], undefined, new Map(), new Date(0)].map((payload) => append({ ...event, payload })),
  ...["", "@all", "@x", null, 1, {}, "x".repeat(600), "\ud800"].map((aggregateId) => append({ ...event, aggregateId })),
  ...["", "@deleted", null, 1, {}, "x".repeat(600)].map((eventType) => append({ ...event, eventType })),
  ...["x", 1, []].map((metadata) => append({ ...event, metadata })),
  append({ ...event, payload: polluted() }),
  append({ ...event, payload: { a: polluted() } }),
  append({ ...event, payload: { constructor: { prototype: { polluted: true } } } }),
  append({ ...event, metadata: polluted() }),
  append({ ...event, payload: { big: "x".repeat(2_000_000) } }),
  append({ ...event, payload: { many: Array(500_000).fill(1) } }),
  append({ ...event, payload: { deep: nested(1_000) } }),
  append({ ...event, payload: { a: 1n } }),
  append({ ...event, payload: { a: new Set([1]) } }),
  append({ ...event, payload: circular }),
  append({ ...event, eventType: "DatasetPublished", payload: { name: "no id" } }),
  append({ ...event, eventType: "JoinDefined", payload: { id: "no name" } }),
  append({ ...event, id: "mine" }),
  append({ ...event, seq: 7 }),
  append({ ...event, expectedVersion: 7 }),
];

const WRONG_OTHERS: readonly HostileRequest[] = [
  ...[-1, 1.5, "1", null, Number.NaN].map((afterSeq) => ({
    method: "loadEvents",
    args: { aggregateId: "x", afterSeq },
  })),
  { method: "loadEvents", args: { aggregateId: "@all" } },
  { method: "loadEvents", args: {} },
  ...[-1, 1.5, "1", null, undefined, Number.NaN].map((after) => ({ method: "nextChange", args: { after } })),
  { method: "nextChange", args: { after: 0, before: 1 } },
  { method: "latestSnapshot", args: { aggregateId: ["x"] } },
  { method: "saveSnapshot", args: { aggregateId: "x", lastSeq: 1, state: {} } },
  { method: "saveSnapshot", args: { aggregateId: "run:1", lastSeq: 99, state: {} } },
  { method: "saveSnapshot", args: { aggregateId: "run:1", lastSeq: 0, state: {} } },
  { method: "saveSnapshot", args: { aggregateId: "run:1", lastSeq: 1, state: polluted() } },
  { method: "saveSnapshot", args: { aggregateId: "run:1", lastSeq: 1, state: [] } },
  ...["runInTransaction", "truncate", "close", "put", "get", "constructor", "__proto__", "toString", "has", ""].map(
    (method) => ({ method, args: {} }),
  ),
  ...[null, 1, {}, ["appendEvent"]].map((method) => ({ method, args: {} })),
];

/** Those that are too large for SQLite. */
export const GIANT_REQUESTS: readonly HostileRequest[] = GIANT_STATEMENTS.map((statement) => sql(statement));

/** Each gets an error with a code. */
export const HOSTILE_REQUESTS: readonly HostileRequest[] = [
  ...[...WRITING, ...BEHIND_A_READ, ...FORBIDDEN, ...HIDDEN_NAMES, ...ENDLESS_STATEMENTS].map((statement) =>
    sql(statement),
  ),
  ...GIANT_REQUESTS,
  ...WRONG_QUERIES,
  ...WRONG_UPSERTS,
  ...WRONG_EVENTS,
  ...WRONG_OTHERS,
];

/** Messages that are no requests. Nobody answers them. */
export const NO_REQUESTS: readonly unknown[] = [
  null,
  1,
  "x",
  [],
  [1, 2],
  { id: "1" },
  { id: null },
  {},
  new Date(0),
  new Map(),
];
