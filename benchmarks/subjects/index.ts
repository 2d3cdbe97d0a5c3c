import type { Subject } from "../subject.js";
import { act } from "./act.js";
import { emmett } from "./emmett.js";
import { emmettPostgres } from "./emmett-postgres.js";
import { floor } from "./floor.js";
import { floorGrouped } from "./floor-grouped.js";
import { floorNode } from "./floor-node.js";
import { floorPostgres } from "./floor-postgres.js";
import { idlePoll, idleProcess } from "./idle.js";
import { library, libraryBetter, libraryNode } from "./library.js";
import { libraryMemory } from "./library-memory.js";
import { libraryPostgres } from "./library-postgres.js";
import { libraryBetterUnchecked, libraryUnchecked } from "./library-unchecked.js";
import { resolveLite } from "./resolve.js";
import { sqlite3Loop } from "./sqlite3-loop.js";

/** In the order of the tables' columns. */
export const SUBJECTS: readonly Subject[] = [
  floor,
  library,
  libraryBetter,
  libraryNode,
  sqlite3Loop,
  floorGrouped,
  floorNode,
  libraryMemory,
  idleProcess,
  idlePoll,
  libraryUnchecked,
  libraryBetterUnchecked,
  emmett,
  act,
  resolveLite,
  floorPostgres,
  libraryPostgres,
  emmettPostgres,
];

export function subjectOf(name: string): Subject {
  const subject = SUBJECTS.find((candidate) => candidate.name === name);
  if (subject === undefined) throw new Error(`no such subject: ${name}`);
  return subject;
}
