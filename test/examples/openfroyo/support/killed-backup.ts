// Begins a backup of a store, and is killed once events are in its working copy: node killed-backup.mjs <config> <path>
import { createStore } from "../../../../examples/openfroyo/store/create-store.js";

const [config = "", path = ""] = process.argv.slice(2);
const store = createStore(JSON.parse(config));
await store.init();
await store.backup(path, { onProgress: () => process.kill(process.pid, "SIGKILL") });
