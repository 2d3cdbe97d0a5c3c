/** The log as SQL sees it. In SQLite the events are those of async-streams, and this table is written with them. */
export const EVENT_STORE = {
  id: "0001_event_store",
  up: `
    CREATE TABLE events (
      id TEXT NOT NULL,
      aggregate_type TEXT NOT NULL,
      aggregate_id TEXT NOT NULL,
      event_type TEXT NOT NULL,
      event_version INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      tx_id TEXT NOT NULL,
      caused_by_event_id TEXT,
      payload_json TEXT NOT NULL,
      metadata_json TEXT,
      created_at TEXT NOT NULL,
      PRIMARY KEY (aggregate_id, seq)
    );
    CREATE TABLE snapshots (
      id TEXT NOT NULL,
      aggregate_type TEXT NOT NULL,
      aggregate_id TEXT NOT NULL PRIMARY KEY,
      last_seq INTEGER NOT NULL,
      state_json TEXT NOT NULL,
      created_at TEXT NOT NULL
    );
  `,
};
