import { expect } from "vitest";

const folder = process.env.TEST_MEMORY_FOLDER;

// The fault tests keep to the disk: that is what fails in them, and without it their writers would write far more until
// they are stopped.
if (folder !== undefined && !expect.getState().testPath?.includes("/test/faults/")) process.env.TMPDIR = folder;
