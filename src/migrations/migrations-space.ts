/** The space of the notes of what was applied: a record for each migration. */
export const MIGRATIONS_SPACE = "@migrations";
