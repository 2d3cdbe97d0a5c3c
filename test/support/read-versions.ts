import type { ReadOptions, Stream } from "../../protocols/index.js";

/** The versions that a read delivers, and the error that ends it. */
export async function readVersions(stream: Stream, options?: ReadOptions) {
  const versions: number[] = [];
  try {
    for await (const { version } of stream.read(options)) versions.push(version);
    return { versions };
  } catch (error) {
    return { versions, error };
  }
}
