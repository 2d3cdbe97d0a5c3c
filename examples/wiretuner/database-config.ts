import { checkObject } from "./check-arguments.js";
import { type Platform, resolveFilePath } from "./platform.js";

/** Where a document is kept: in a file, or in memory for as long as its connection is open. */
export class DatabaseConfig {
  readonly #filePath: string | null;

  private constructor(filePath: string | null) {
    this.#filePath = filePath;
  }

  /** @param options - `filePath` is absolute, or relative to the data folder of the platform */
  static file(options: { readonly filePath: string }): DatabaseConfig {
    checkObject("options", options);
    const { filePath } = options;
    if (typeof filePath !== "string" || filePath === "") throw new TypeError("filePath must be a path.");
    return new DatabaseConfig(filePath);
  }

  static inMemory(): DatabaseConfig {
    return new DatabaseConfig(null);
  }

  /** The path that the store is opened with. */
  databasePath(platform: Platform): string {
    return this.#filePath === null ? ":memory:" : resolveFilePath(this.#filePath, platform);
  }
}
