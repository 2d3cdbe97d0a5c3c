import type { Subject } from "../subject.js";
import { act } from "./act.js";
import { coreOverFloor } from "./core-over-floor.js";
import { coreOverSchema, decidedOverSchema } from "./core-over-schema.js";
import { emmett } from "./emmett.js";
import { floor } from "./floor.js";
import { floorGrouped } from "./floor-grouped.js";
import { floorReadyRows } from "./floor-ready-rows.js";
import { idlePoll, idleProcess } from "./idle.js";
import { library, libraryBetter } from "./library.js";
import { libraryMemory } from "./library-memory.js";
import { libraryBetterUnchecked, libraryUnchecked } from "./library-unchecked.js";
import { resolveLite } from "./resolve.js";
import { smallestSchema } from "./smallest-schema.js";
import { sqlite3Loop } from "./sqlite3-loop.js";

/** In the order of the tables' columns. */
export const SUBJECTS: readonly Subject[] = [
  floor,
  library,
  libraryBetter,
  sqlite3Loop,
  floorGrouped,
  floorReadyRows,
  libraryMemory,
  coreOverFloor,
  coreOverSchema,
  decidedOverSchema,
  idleProcess,
  idlePoll,
  smallestSchema,
  libraryUnchecked,
  libraryBetterUnchecked,
  emmett,
  act,
  resolveLite,
];

export function subjectOf(name: string): Subject {
  const subject = SUBJECTS.find((candidate) => candidate.name === name);
  if (subject === undefined) throw new Error(`no such subject: ${name}`);
  return subject;
}
