import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Makes the files of a new server by `initialize`, or as a copy of those that the first server of the test run had, which
 * takes a tenth of the time.
 *
 * @param data - the folder that is made
 */
export async function makeCluster(data: string, initialize: () => Promise<void>): Promise<void> {
  const template = templateFolder();
  if (template !== undefined && existsSync(template)) {
    await copyFolder(template, data);
    return;
  }
  await initialize();
  if (template !== undefined) await keepTemplate(data, template);
}

/** `programs-folder.ts` makes and removes the folder that it is in. */
function templateFolder(): string | undefined {
  const folder = process.env.TEST_PROGRAMS_FOLDER;
  return folder === undefined ? undefined : join(folder, "postgres-cluster");
}

/** Another test file may do the same meanwhile: the template appears whole, and the first one stays. */
async function keepTemplate(data: string, template: string): Promise<void> {
  const copy = `${template}-${randomUUID()}`;
  await copyFolder(data, copy);
  await rename(copy, template).catch(() => rm(copy, { recursive: true, force: true }));
}

/** With their owners, since a server refuses files of others. Node cannot copy these. */
async function copyFolder(from: string, to: string): Promise<void> {
  await run("cp", ["-Rp", from, to]);
}
