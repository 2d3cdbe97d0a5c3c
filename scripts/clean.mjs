import { rmSync } from "node:fs";

// What was built from files that are gone must not get into the package.
rmSync("dist", { recursive: true, force: true });
