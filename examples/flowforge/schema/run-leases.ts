/** Which process runs the nodes of a run. */
export const RUN_LEASES = {
  id: "0103_run_leases",
  up: `
    CREATE TABLE run_leases (
      run_id TEXT NOT NULL PRIMARY KEY, holder TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL, renewed_at TEXT NOT NULL
    );
  `,
};
