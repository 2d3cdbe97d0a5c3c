/** Where data comes from. */
export const CATALOG = {
  id: "0002_catalog",
  up: `
    CREATE TABLE schemas (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, schema_json TEXT NOT NULL, created_at TEXT,
      UNIQUE (name, version)
    );
    CREATE TABLE data_sources (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, config_json TEXT NOT NULL, schema_id TEXT, created_at TEXT
    );
    CREATE TABLE auth_profiles (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, config_json TEXT NOT NULL, secret_refs_json TEXT,
      created_at TEXT
    );
    CREATE TABLE endpoints (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, base_url TEXT NOT NULL, auth_profile_id TEXT, default_headers_json TEXT,
      created_at TEXT
    );
  `,
};
