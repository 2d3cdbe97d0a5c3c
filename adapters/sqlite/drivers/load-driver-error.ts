import { StorageError } from "../../../protocols/index.js";

/** Whether a package that was imported is not installed. */
export function isModuleMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
}

/** Says why a driver's packages cannot be loaded, with the loader's own reason and the ways to put it right. */
export function loadDriverError(driver: string, packages: string, cause: unknown): StorageError {
  const [reason = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
  const todo = isModuleMissing(cause)
    ? `Install it: npm install ${packages}.`
    : `It is installed, and its native part is missing or was built for something else. Run npm rebuild ${driver}; with ` +
      "pnpm, approve its build script; in a bundle, keep it external.";
  const message = `Cannot load the driver "${driver}": ${reason.replace(/\.$/, "")}. ${todo} Or use another driver.`;
  return new StorageError("STORAGE_DRIVER_UNSUPPORTED", message, { cause });
}
