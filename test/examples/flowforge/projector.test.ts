import { sql } from "async-streams";
import { sqliteReadModels } from "async-streams/projections";
import { expect, test, vi } from "vitest";
import { createDbContext } from "../../../examples/flowforge/index.js";
import type { Totals } from "../../../examples/flowforge/projector/activity.js";
import { startProjector } from "../../../examples/flowforge/projector/start-projector.js";
import { createTempDir } from "../../support/temp-dir.js";

vi.mock("../../../examples/flowforge/child-program.js", () => import("./support/compiled-child-program.js"));

test("a worker projects what is stored and what comes later, and goes on where it was", async () => {
  await using folder = await createTempDir();
  const path = folder.file("read-models.db");
  const db = await createDbContext({ path: folder.file("flowforge.db"), backend: "sqlite" });
  const seen: Totals[] = [];
  const append = async (count: number): Promise<number> => {
    const stream = await db.streams.openStream("test:1");
    const events = Array.from({ length: count }, (_, at) => ({ type: at % 2 === 0 ? "Even" : "Odd", data: {} }));
    return (await stream.write(events)).position;
  };
  for (let run = 1; run <= 2; run += 1) {
    await append(10);
    await using projector = startProjector(db.streams, { path, onChange: (totals) => seen.push(totals) });
    await projector.whenProcessed(await append(100));
    await expect.poll(() => seen.at(-1)?.total).toBe(run * 110);
  }
  await db.close();
  await using models = await sqliteReadModels(path, { driver: "better-sqlite3" });
  expect(await models.query(sql`SELECT * FROM activity ORDER BY event_type`)).toEqual([
    { event_type: "Even", total: 110 },
    { event_type: "Odd", total: 110 },
  ]);
});
