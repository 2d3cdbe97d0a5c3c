import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A file system of its own, in memory and of a few megabytes. */
export class SmallDisk implements Disposable {
  readonly path: string;
  readonly #ballastPath: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballastPath = join(path, "ballast");
  }

  /** Mounts one at a path, or says why this machine does not let it. */
  static mount(path: string, kibibytes: number): SmallDisk | { readonly why: string } {
    mkdirSync(path);
    if (process.platform !== "linux") return { why: "it needs Linux" };
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${kibibytes}k`, "tmpfs", path], { stdio: "ignore" });
    } catch {
      return { why: "it needs the right to mount a small tmpfs" };
    }
    return new SmallDisk(path);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Takes space away from others. */
  occupy(kibibytes: number): void {
    writeFileSync(this.#ballastPath, Buffer.alloc(kibibytes * 1024));
  }

  /** Gives the space back. */
  free(): void {
    rmSync(this.#ballastPath);
  }

  /** From here on nobody can write to it. */
  makeReadOnly(): void {
    execFileSync("mount", ["-o", "remount,ro", this.path]);
  }

  [Symbol.dispose](): void {
    execFileSync("umount", ["-l", this.path]);
  }
}
