import { expect } from "vitest";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { type CrashedStore, copyStore, makeCrashedStore, removeStore } from "../support/crashed-store.js";
import { type Examination, Examiner } from "../support/examiner.js";
import { faultTest } from "../support/fault-test.js";
import { type DamageDone, damageStore } from "../support/random-damage.js";

const COPIES_OF_ONE_STORE = 80;

/** A code of the library's, and one that speaks of the store. */
const TYPED = /^(ok|none|problems|STORAGE_\w+)$/;

/** How the damage showed. Whatever is called sound has to be what was written. */
function outcomeOf(examination: Examination, { contents }: CrashedStore): string {
  const { opening, verifying, reading, closing } = examination;
  for (const step of [opening, verifying, closing]) expect(step).toMatch(TYPED);
  // A stream whose damaged name is none cannot be opened.
  if (reading !== "INVALID_ARGUMENT") expect(reading).toMatch(TYPED);
  if (opening !== "ok") return `refused at the opening with ${opening}`;
  if (verifying === "problems") return "reported by verify";
  expect(verifying).toBe("ok");
  expect({ reading, contents: examination.contents }).toEqual({ reading: "ok", contents });
  if (examination.rawEvents !== null) {
    expect(examination.rawEvents).toEqual(contents.events.filter((line) => !line.startsWith("again ")));
  }
  return "intact";
}

faultTest(
  "R10 damage at random places is noticed, or leaves everything as it was written",
  { quick: 20, soak: 200 },
  async (laboratory) => {
    const { rounds, random, integer, count } = laboratory;
    await using examiner = new Examiner();
    for (let round = 0; round < rounds; ) {
      await using folder = await createTempDir();
      const store = await makeCrashedStore(folder.path, laboratory);
      const path = folder.file("damaged.db");
      for (let copies = 0; copies < COPIES_OF_ONE_STORE && round < rounds; copies += 1, round += 1) {
        await copyStore(store.path, path);
        const damage: DamageDone = await damageStore(path, { random, integer });
        const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)];
        const examination = await examiner.examine({ path, driver, isRaw: random() < 0.5 });
        try {
          count(outcomeOf(examination, store));
        } catch (error) {
          throw new Error(`round ${round}: ${damage.kind} in "${damage.file}"`, { cause: error });
        }
        for (const { kind } of examination.problems.slice(0, 1)) count(`first problem ${kind}`);
        await removeStore(path);
      }
    }
  },
);
