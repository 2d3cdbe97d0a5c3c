import type { Subject } from "../subject.js";
import { projectAct } from "./act-projections.js";
import { ACT_STORE_PACKAGE, openAct } from "./act-store.js";
import { watchAct } from "./act-watch.js";
import { whyPeerIsMissing } from "./import-peer.js";

/** Act over SQLite: appends and reads through its store port, watches through a reaction of an application. */
export const act: Subject = {
  name: "act-sqlite",
  format: "act-sqlite",
  settings: {
    normal: "WAL, synchronous NORMAL set on its client; connections of its pool that open later stay FULL",
    full: "WAL, synchronous FULL, as it comes",
  },
  without: { W2: "it has no idempotency keys" },
  isPeer: true,
  packages: [ACT_STORE_PACKAGE, "@rotorsoft/act", "@libsql/client"],
  whyMissing: () => whyPeerIsMissing(ACT_STORE_PACKAGE),
  open: openAct,
  openWatched: watchAct,
  openProjecting: projectAct,
};
