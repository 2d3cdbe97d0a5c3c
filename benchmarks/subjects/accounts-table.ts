/** The table that transactions change beside the events. */
export const CREATE_ACCOUNTS = "CREATE TABLE IF NOT EXISTS accounts (id TEXT PRIMARY KEY, changes INTEGER NOT NULL)";

export const COUNT_CHANGE = `
  INSERT INTO accounts VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET changes = changes + 1`;
