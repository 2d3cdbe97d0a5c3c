import { execFileSync } from "node:child_process";
import { chmod, chown, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import type { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { Opening } from "../fixtures/opener.js";
import { faultTest, leftOut } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { folderState } from "../support/folder-state.js";
import { SmallDisk } from "../support/small-disk.js";
import { CLOSED_FILES, makeStore, type Refusal, STRANGE_FILES, type WrongFile } from "../support/wrong-files.js";

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

/** Puts a wrong file in a folder of its own, has another process use it, and holds the files against what they were. */
async function expectRefused(opener: NodeProcess, folder: string, wrong: WrongFile): Promise<void> {
  await mkdir(folder);
  const path = join(folder, "store.db");
  if (isRoot) await chown(folder, NOBODY, NOBODY);
  await wrong.make(path);
  if (isRoot) execFileSync("chown", ["-R", `${NOBODY}:${NOBODY}`, folder]);
  await expectUntouched(opener, path, wrong);
  await chmod(folder, 0o755);
}

async function expectUntouched(opener: NodeProcess, path: string, { name, code }: Refusal): Promise<void> {
  const before = folderState(dirname(path));
  const answers = opener.lines.length;
  opener.say(path);
  await opener.waitFor(() => opener.lines.length > answers);
  const { outcome, message } = JSON.parse(opener.lines[answers] as string) as Opening;
  expect({ name, outcome }).toEqual({ name, outcome: code });
  expect(message).toContain(path);
  expect({ name, ...folderState(dirname(path)) }).toEqual({ name, ...before });
}

const WRONG = "R9 a wrong file is refused by its code, and left as it was";
faultTest(WRONG, { quick: 1, soak: 5 }, async ({ rounds, count }) => {
  if (process.platform === "win32") return leftOut(WRONG, "it needs the permissions of POSIX");
  await using folder = await createTempDir();
  await chmod(folder.path, 0o755);
  await using opener = startFixture("opener.ts", { args: [NOBODY] });
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, wrong] of [...CLOSED_FILES, ...STRANGE_FILES].entries()) {
      await expectRefused(opener, folder.file(`${round}-${index}`), wrong);
      count("files");
    }
  }
});

const READ_ONLY = "R9 what nobody may change, not even the administrator, is refused and left as it was";
faultTest(READ_ONLY, { quick: 1, soak: 5 }, async ({ rounds, count }) => {
  await using folder = await createTempDir();
  await using opener = startFixture("opener.ts", { args: [0] });
  for (let round = 0; round < rounds; round += 1) {
    const mounted = SmallDisk.mount(folder.file(`disk-${round}`), 1_024);
    if ("why" in mounted) return leftOut(READ_ONLY, mounted.why);
    using disk = mounted;
    await makeStore(disk.file("store.db"));
    disk.makeReadOnly();
    for (const file of ["store.db", "new.db"]) {
      const name = `${file} on a disk that may only be read`;
      await expectUntouched(opener, disk.file(file), { name, code: "STORAGE_PERMISSION_DENIED" });
      count("files");
    }
    const path = folder.file(`immutable-${round}.db`);
    await makeStore(path);
    if (!setImmutable(path, true)) return leftOut(READ_ONLY, "it needs a file system that knows chattr +i");
    try {
      await expectUntouched(opener, path, { name: "an immutable file", code: "STORAGE_PERMISSION_DENIED" });
      count("files");
    } finally {
      setImmutable(path, false);
    }
  }
});

function setImmutable(path: string, isImmutable: boolean): boolean {
  try {
    execFileSync("chattr", [isImmutable ? "+i" : "-i", path], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
