/** What several workflows use. */
export const COMPONENTS = {
  id: "0004_components",
  up: `
    CREATE TABLE operators (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL,
      kind TEXT NOT NULL CHECK (kind IN ('transform', 'validation', 'aggregate', 'enricher')),
      spec_json TEXT NOT NULL, created_at TEXT
    );
    CREATE TABLE rule_sets (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL, rules_json TEXT NOT NULL, created_at TEXT,
      UNIQUE (name, version)
    );
    CREATE TABLE request_templates (
      id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, endpoint_id TEXT NOT NULL, method TEXT NOT NULL,
      path_template TEXT NOT NULL, headers_template_json TEXT, body_template TEXT, created_at TEXT
    );
  `,
};
