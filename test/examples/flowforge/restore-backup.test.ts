import { copyFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createDbContext } from "../../../examples/flowforge/index.js";
import { restoreBackup } from "../../../examples/restore-backup/restore-backup.js";
import { createTempDir } from "../../support/temp-dir.js";

test("a backup that was made while the database was in use takes its place, with all that it had", async () => {
  await using folder = await createTempDir();
  const [path, backupPath] = [folder.file("flowforge.db"), folder.file("backup.db")];
  const aggregateId = "workflow:1";
  const first = await createDbContext({ path, backend: "sqlite" });
  await first.eventStore.append({ aggregateId, eventType: "WorkflowCreated", payload: { name: "One" } });
  await first.projectionStore.upsert({ table: "workflows", rows: [{ id: "1", name: "One" }] });
  await first.blobs.put({ key: "artifacts/1", data: Buffer.from("x") });
  const stored = await first.eventStore.load({ aggregateId });
  await first.streams.backup(backupPath);
  await first.eventStore.append({ aggregateId, eventType: "WorkflowRenamed", payload: { name: "Two" } });
  await first.close();

  await restoreBackup({ path, backupPath });
  const second = await createDbContext({ path, backend: "sqlite" });
  expect(await second.eventStore.load({ aggregateId })).toEqual(stored);
  expect(await second.windowQueries.query({ sql: "SELECT name FROM workflows" })).toEqual([{ name: "One" }]);
  expect((await second.blobs.get({ key: "artifacts/1" }))?.data.toString()).toBe("x");
  expect(await second.streams.verify()).toMatchObject({ ok: true });
  expect(await second.eventStore.append({ aggregateId, eventType: "WorkflowRenamed", payload: {} })).toMatchObject({
    seq: 2,
  });
  await second.close();

  // As a crash leaves it once the restore is decided.
  await copyFile(backupPath, `${path}.restored`);
  await expect(createDbContext({ path, backend: "sqlite" })).rejects.toThrow(/a restore of .* was interrupted/);
});
