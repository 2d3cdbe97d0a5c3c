/** A window, in a process of its own. It has nothing of the database but `window.db`. */
import { connectWindowDb } from "./ipc/connect-window-db.js";

// A window ends with its main process.
process.on("disconnect", () => process.exit());
const window = { db: connectWindowDb(process) };

const summary = await window.db.queryProjection({
  sql: `
    SELECT runs.trigger, runs.status, count(run_steps.id) AS steps
    FROM runs JOIN run_steps ON run_steps.run_id = runs.id GROUP BY runs.id ORDER BY runs.started_at`,
});
for (const { trigger, status, steps } of summary)
  console.log(`  window: a run by ${trigger}: ${status}, ${steps} steps`);

const refused = await window.db
  .queryProjection({ sql: "WITH x AS (SELECT 1) DELETE FROM runs" })
  .catch((error) => error);
console.log(`  window: DELETE behind WITH: ${refused.code}`);

for await (const activity of window.db.changes()) {
  const { total } = activity as { total: number };
  console.log(`  window: the worker has counted ${total} events`);
  break;
}
process.disconnect();
